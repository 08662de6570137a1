/** `lib/README.md` names files and commands: here they are looked up, so that the page cannot grow stale. */
import { join } from "node:path";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const lib = import.meta.dirname!;
const page = Deno.readTextFileSync(join(lib, "README.md"));
const config = JSON.parse(Deno.readTextFileSync(join(lib, "../deno.json")));

/** Files that a page names, absolute: link targets, and `lib/…` in code, but for `<placeholders>`. */
function filesNamedIn(text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => join(lib, target!));
  const code = [...text.matchAll(/\blib\/[\w./-]*\w(?![\w/]*<)/g)].map(([path]) =>
    join(lib, "..", path)
  );
  return [...links, ...code];
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

Deno.test("lib/README.md names files that are there, and each in its link's own words", () => {
  const files = filesNamedIn(page);
  assertTrue(files.length > 40, "the page names its files");
  assertEquals(files.filter((path) => !isThere(path)), []);
  const links = [...page.matchAll(/\[`([^`]+\.\w+)`\]\(([^)]+)\)/g)];
  assertEquals(
    links.filter(([, words, target]) => !target!.endsWith(words!)).map(([link]) => link),
    [],
  );
});

Deno.test("lib/README.md names tasks that there are, and rooms as rooms_test has them", () => {
  const tasks = [...page.matchAll(/deno task ([\w:]+)/g)].map(([, name]) => name!);
  assertEquals(tasks.filter((name) => !(name in config.tasks)), []);
  const rooms = [...Deno.readDirSync(lib)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name).filter((name) => name !== "std_path");
  assertEquals(rooms.filter((name) => !page.includes(`\`${name}/\``)), []);
});

Deno.test("the look-up sees a file that is not there", () => {
  const files = filesNamedIn("[`a`](nn/none.ts) and `lib/nn/none.ts`, not `lib/models/<family>/`");
  assertEquals(files.filter((path) => !isThere(path)).length, 2);
});
