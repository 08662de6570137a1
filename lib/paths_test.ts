import { homedir } from "node:os";
import { absolutePath, outputsFolder, projectFolder, shippedFolder } from "lib/paths.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import { withVariables } from "lib/testing/outputs.ts";

Deno.test("absolutePath() starts ~ at the home folder, and other relative paths at the folder it is told", () => {
  const cases = {
    "~": homedir(),
    "~/birds/../owls": `${homedir()}/owls`,
    "birds": "/here/birds",
    "../birds/": "/birds",
    "/data/birds": "/data/birds",
    "file:///data/my%20birds": "/data/my birds",
    "~backup.jpg": "/here/~backup.jpg",
    "a~/b": "/here/a~/b",
  };
  for (const [path, expected] of Object.entries(cases)) {
    assertEquals(absolutePath(path, "/here"), expected);
  }
  assertEquals(absolutePath("birds"), `${Deno.cwd()}/birds`);
});

Deno.test("absolutePath() refuses an empty path and the address of another machine", () => {
  assertThrows(() => absolutePath(" "), RangeError, "give the path of a file or a folder");
  assertThrows(() => absolutePath("https://x.org/a.jpg"), RangeError, "it is an address; download");
  assertThrows(() => absolutePath("file://host/a.jpg"), RangeError, "write it as file:///");
});

Deno.test("outputsFolder() is one place, also where BCSSL_OUTPUTS is relative or starts with ~", () => {
  const [before, folder] = [Deno.env.get("BCSSL_OUTPUTS"), Deno.cwd()];
  try {
    Deno.chdir(`${projectFolder}/notebooks`); // as a notebook's cells run
    for (
      const [value, expected] of [
        ["", `${projectFolder}/outputs`],
        ["mine", `${projectFolder}/mine`],
        ["~/mine", `${homedir()}/mine`],
        ["/mine/", "/mine"],
      ] as const
    ) {
      Deno.env.set("BCSSL_OUTPUTS", value);
      assertEquals(outputsFolder(), expected);
    }
  } finally {
    Deno.chdir(folder);
    if (before === undefined) Deno.env.delete("BCSSL_OUTPUTS");
    else Deno.env.set("BCSSL_OUTPUTS", before);
  }
});

Deno.test("shippedFolder() is data/shipped of the project, the folder that BCSSL_SHIPPED names, or none", async () => {
  const cases = {
    "": `${projectFolder}/data/shipped`,
    "mine": `${projectFolder}/mine`,
    "/mine/": "/mine",
    "none": undefined,
  };
  for (const [value, expected] of Object.entries(cases)) {
    const folder = () => Promise.resolve(shippedFolder());
    assertEquals(await withVariables({ BCSSL_SHIPPED: value }, folder), expected);
  }
});
