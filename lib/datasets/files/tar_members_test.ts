import { closeSync, openSync } from "node:fs";
import { create } from "tar";
import { tarMembers } from "./tar_members.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

function members(path: string, range?: { offset: number; length: number }) {
  const file = openSync(path, "r");
  try {
    const all = { offset: 0, length: Deno.statSync(path).size };
    return [...tarMembers(file, { name: "a.tar", ...(range ?? all) })];
  } finally {
    closeSync(file);
  }
}

const longName = `${"long".repeat(40)}.txt`; // beyond the hundred bytes of a plain header

async function archive(folder: string): Promise<string> {
  await Deno.mkdir(`${folder}/sub`);
  await Deno.writeTextFile(`${folder}/one.txt`, "one");
  await Deno.writeTextFile(`${folder}/sub/two.txt`, "2".repeat(1000));
  await Deno.writeTextFile(`${folder}/${longName}`, "three");
  await Deno.writeTextFile(`${folder}/empty.txt`, "");
  const names = ["one.txt", "sub", "sub/two.txt", longName, "empty.txt"];
  await create({ file: `${folder}/a.tar`, cwd: folder, noDirRecurse: true }, names);
  return `${folder}/a.tar`;
}

Deno.test("tarMembers() finds every file, its bytes where it says, under long names too", () =>
  inTempFolder(async (folder) => {
    const path = await archive(folder);
    const bytes = await Deno.readFile(path);
    const found = members(path).map(({ name, offset, length }) => [
      name,
      new TextDecoder().decode(bytes.subarray(offset, offset + length)),
    ]);
    assertEquals(found, [
      ["one.txt", "one"],
      ["sub/two.txt", "2".repeat(1000)],
      [`./${longName}`, "three"],
      ["empty.txt", ""],
    ]);
  }));

Deno.test("tarMembers() looks into an archive in an archive", () =>
  inTempFolder(async (folder) => {
    const inner = await archive(folder);
    await create({ file: `${folder}/outer.tar`, cwd: folder }, ["one.txt", "a.tar"]);
    const [, found] = members(`${folder}/outer.tar`);
    const expected = members(inner).map((member) => ({
      ...member,
      offset: member.offset + found!.offset,
    }));
    assertEquals(members(`${folder}/outer.tar`, found), expected);
  }));

Deno.test("tarMembers() throws where an archive is cut short, and on another file", () =>
  inTempFolder(async (folder) => {
    const path = await archive(folder);
    const cut = (length: number) => () => members(path, { offset: 0, length });
    assertThrows(
      cut(2600),
      Error,
      "Cannot read a.tar: it is cut short in sub/two.txt at byte 2048",
    );
    assertThrows(cut(512), Error, "Cannot read a.tar: it is cut short in one.txt at byte 512");
    assertThrows(cut(1024), Error, "the mark of its end is missing at byte 1024 of 1024");
    await Deno.truncate(path, 1000);
    assertThrows(cut(4096), Error, "the file has become shorter");
    await Deno.writeTextFile(path, "no archive".repeat(200));
    assertThrows(() => members(path), Error, "there is no TAR header at byte 0 of 2000");
  }));
