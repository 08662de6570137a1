import { changesInWords, folderChanges, folderFingerprint } from "./folder_fingerprint.ts";
import { listPictureFolder } from "./folder_listing.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals } from "lib/testing/assert.ts";

/** Bytes that are never read as a picture. */
const large = (value: number) => new Uint8Array(300_000).fill(value);

Deno.test("folderChanges() counts what was added, removed and changed, and nothing in a copy that was moved", () =>
  inTempFolder(async (folder) => {
    const [here, there] = [`${folder}/here`, `${folder}/there`];
    for (const name of ["a", "b", "c"]) {
      await Deno.mkdir(`${here}/${name}`, { recursive: true });
      await Deno.writeFile(`${here}/${name}/1.jpg`, large(7));
      await Deno.writeTextFile(`${here}/${name}/2.jpg`, `small ${name}`);
    }
    const before = JSON.parse(JSON.stringify(folderFingerprint(await listPictureFolder(here))));
    const changes = async (place: string) => folderChanges(before, await listPictureFolder(place));
    assertEquals(changesInWords(await changes(here)), "");
    await copy(here, there);
    assertEquals(changesInWords(await changes(there)), "");
    await Deno.writeTextFile(`${there}/a/3.jpg`, "new");
    await Deno.remove(`${there}/b/1.jpg`);
    await Deno.remove(`${there}/b/2.jpg`);
    await Deno.writeTextFile(`${there}/c/2.jpg`, "other c"); // as long as before
    // One byte in the middle changes.
    await Deno.writeFile(`${there}/c/1.jpg`, large(7).fill(8, 150_000, 150_001));
    assertEquals(await changes(there), {
      added: ["a/3.jpg"],
      removed: ["b/1.jpg", "b/2.jpg"],
      changed: ["c/1.jpg", "c/2.jpg"],
    });
    assertEquals(
      changesInWords(await changes(there)),
      "1 added (a/3.jpg), 2 removed (b/1.jpg, …), 2 changed (c/1.jpg, …)",
    );
  }));

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else {
      await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
      await Deno.utime(`${to}/${name}`, 1, 1); // a copy has a time of its own
    }
  }
}
