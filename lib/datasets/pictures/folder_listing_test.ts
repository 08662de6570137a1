import { join } from "@std/path";
import { type FolderListing, listPictureFolder } from "./folder_listing.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/** Files of these names; what is in them is not read. */
function inFiles(names: readonly string[], run: (folder: string) => Promise<void>): Promise<void> {
  return inTempFolder(async (folder) => {
    for (const name of names) {
      const path = join(folder, name);
      await Deno.mkdir(name.endsWith("/") ? path : join(path, ".."), { recursive: true });
      if (!name.endsWith("/")) await Deno.writeTextFile(path, "x");
    }
    await run(folder);
  });
}

/** `class/path` of each picture. */
function contents({ classNames, pictures }: FolderListing): string[] {
  return pictures.map(({ id, label }) => `${classNames[label] ?? "none"}: ${id}`);
}

function says({ passedOver }: FolderListing, ...parts: string[]): void {
  for (const part of parts) assertTrue(passedOver.includes(part), `"${part}" in: ${passedOver}`);
}

Deno.test("listPictureFolder(): what systems leave never shifts a label, and is said", () =>
  inFiles([
    ...["__MACOSX/a.jpg", ".ipynb_checkpoints/a.jpg", "@eaDir/a.jpg", ".git/a.jpg"],
    ...["crow/1.jpg", "crow/._1.jpg", "crow/.DS_Store", "crow/Thumbs.db", "owl/1.jpg"],
    ...["aardvark/", "eagle/notes.txt", "desktop.ini"],
  ], async (folder) => {
    const listing = await listPictureFolder(folder);
    assertEquals(contents(listing), ["crow: crow/1.jpg", "owl: owl/1.jpg"]);
    says(listing, "8 hidden or system files: .git, .ipynb_checkpoints, @eaDir, …");
    says(listing, "1 file that is no picture: eagle/notes.txt");
    says(listing, "2 folders without a picture, which are no classes: aardvark, eagle");
  }));

Deno.test("listPictureFolder(): nested pictures belong to the class above them; every kind that can be read is", () =>
  inFiles([
    ...["crow/2020/may/1.TIF", "crow/2020/2.jfif", "crow/3.bmp", "crow/4.avif", "owl/a b/5.gif"],
    ...["owl/6.JPE", "owl/7.heic", "owl/8.CR2", "owl/9.webp", "loose.png"],
  ], async (folder) => {
    const listing = await listPictureFolder(folder);
    assertEquals(contents(listing), [
      ...["crow: crow/3.bmp", "crow: crow/4.avif", "crow: crow/2020/2.jfif"],
      ...["crow: crow/2020/may/1.TIF", "owl: owl/6.JPE", "owl: owl/9.webp", "owl: owl/a b/5.gif"],
    ]);
    says(
      listing,
      "2 pictures of a kind that cannot be read here (convert them to JPEG or PNG): owl/7.heic, owl/8.CR2",
    );
    says(listing, "1 picture beside the class folders, which has no class: loose.png");
  }));

Deno.test("listPictureFolder() follows links to folders and pictures, and no circle", () =>
  inFiles(["elsewhere/owl/1.jpg", "elsewhere/2.jpg", "birds/crow/1.jpg"], async (folder) => {
    const link = (to: string, at: string) => Deno.symlink(join(folder, to), join(folder, at));
    await link("elsewhere/owl", "birds/owl");
    await link("elsewhere/2.jpg", "birds/crow/2.jpg");
    await link("elsewhere/none.jpg", "birds/crow/3.jpg");
    await link("birds", "birds/crow/up");
    await link("birds/crow/me", "birds/crow/me");
    await link("elsewhere/owl", "elsewhere/owl/self");
    const listing = await listPictureFolder(`${folder}/birds`);
    assertEquals(contents(listing), [
      ...["crow: crow/1.jpg", "crow: crow/2.jpg", "owl: owl/1.jpg"],
    ]);
    says(listing, "2 links that lead nowhere: crow/3.jpg, crow/me");
    says(listing, "2 links back to folders above them: crow/up, owl/self");
  }));

Deno.test("listPictureFolder() takes a folder without class folders as one of pictures without classes", () =>
  inFiles(["b.jpg", "a.png", "empty/"], async (folder) => {
    const listing = await listPictureFolder(folder);
    assertEquals(contents(listing), ["none: a.png", "none: b.jpg"]);
    says(listing, "1 folder without a picture, which is no class: empty");
  }));

Deno.test("listPictureFolder() takes a class name that is composed and decomposed for one", () =>
  inFiles(["n\u00e9/1.jpg", "ne\u0301/2.jpg", "z/3.jpg"], async (folder) => {
    assertEquals((await listPictureFolder(folder)).classNames, ["n\u00e9", "z"]);
  }));

Deno.test("listPictureFolder() refuses folders of which the classes are unclear, and what holds no picture", async () => {
  const fails = (names: readonly string[], text: string, below = "") =>
    inFiles(names, (folder) => assertRejects(() => listPictureFolder(folder + below), Error, text));
  await fails(["train/crow/1.jpg", "test/crow/1.jpg"], "its folders are test and train; give one");
  await fails(
    ["birds/crow/1.jpg", "birds/owl/1.jpg"],
    "it holds one folder, birds, and that holds crow, owl",
  );
  await fails(
    ["1.jpg", "2.jpg", "old/3.jpg"],
    "it holds 2 pictures and one folder with pictures, old",
  );
  await fails(["birds.zip"], "unpack birds.zip");
  await fails(
    ["birds.zip"],
    "give the folder that holds the images, once it is unpacked",
    "/birds.zip",
  );
  await fails([".DS_Store"], "it holds only 1 hidden or system file: .DS_Store");
  await fails(["a.heic"], "it holds only 1 picture of a kind that cannot be read here");
});
