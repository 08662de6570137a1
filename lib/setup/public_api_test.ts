/** Every export of the three doors of `lib` is documented, with all types that it refers to. */
import { run } from "lib/setup/install/command.ts";
import { root } from "lib/setup/install/project.ts";
import { assertEquals } from "lib/testing/assert.ts";

const doors = ["lib/experiments/mod.ts", "lib/models/mod.ts", "lib/report/mod.ts"];

/** Complaints of `deno doc --lint`, a line each; empty where it has none. */
async function complaintsOf(files: readonly string[]): Promise<string[]> {
  const { code, output } = await run(Deno.execPath(), ["doc", "--quiet", "--lint", ...files], {
    cwd: root,
    env: { NO_COLOR: "1" },
  });
  if (code === 0) return [];
  // It prints hundreds of warnings about the types of Node beside them.
  const complaints = [...output.matchAll(/^error\[[^\n]*\n +--> [^\n]*/gm)]
    .map(([lines]) => lines.replace(/\n +--> /, " in "));
  return complaints.length > 0 ? complaints : [output];
}

Deno.test("deno doc --lint has no complaint about what notebooks import", async () => {
  assertEquals(await complaintsOf(doors), []);
});

Deno.test("an export without a comment, and one of a type that is not exported, are complaints", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/bare.ts`;
    await Deno.writeTextFile(path, "interface A {}\nexport const a: A = {};\n");
    const complaints = await complaintsOf([path]);
    assertEquals(complaints.map((line) => /^error\[([\w-]+)\]/.exec(line)?.[1]).sort(), [
      "missing-jsdoc",
      "private-type-ref",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
