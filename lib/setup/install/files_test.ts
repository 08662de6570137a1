import { exists, fingerprint, fingerprintFiles, remove, writeFileWhole } from "./files.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("writeFileWhole() makes the folder and leaves nothing beside the file", async () => {
  const dir = await Deno.makeTempDir();
  await writeFileWhole(`${dir}/deep/file`, "one");
  await writeFileWhole(`${dir}/deep/file`, "two");
  assertEquals(await Deno.readTextFile(`${dir}/deep/file`), "two");
  assertEquals((await Array.fromAsync(Deno.readDir(`${dir}/deep`))).length, 1);
  await remove(dir);
  await remove(dir); // removing a path that does not exist is no error
  assertEquals(await exists(dir), false);
});

Deno.test("fingerprint() keeps parts apart and in order", () => {
  const all = [["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"], ["ab", "c", ""]].map(fingerprint);
  assertEquals(new Set(all).size, all.length);
  assertEquals(fingerprint(["ab", "c"]), all[0]);
});

Deno.test("fingerprintFiles() changes with a name, with contents, and when a file goes", async () => {
  const dir = await Deno.makeTempDir();
  const seen = new Set<string>();
  const look = async (names: string[]) =>
    seen.add(await fingerprintFiles(names.map((name) => `${dir}/${name}`)));
  await writeFileWhole(`${dir}/a`, "1");
  await look(["a", "b"]);
  await writeFileWhole(`${dir}/b`, "1");
  await look(["a", "b"]);
  await look(["a"]);
  await writeFileWhole(`${dir}/a`, "2");
  await look(["a", "b"]);
  assertTrue(seen.size === 4, `${seen.size} fingerprints`);
  await remove(dir);
});
