import { openPictureLists, readPictureList } from "./picture_lists.ts";
import { inTempFolder, listingOf, pictureFiles, writeFiles } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

const lists = {
  "list.txt": "a/big owl.jpg 1\n\n  b.jpg\t0\r\n",
  "list.csv": 'label,split,path\n1,x,"a/big owl.jpg"\n0,"x, y",b.jpg\n',
  "list.json": '[{"image": "a/big owl.jpg", "class": 1}, {"path": "b.jpg", "label": "0"}]',
  "food.json": '{"1": ["a/big owl.jpg"], "0": ["b.jpg"]}',
};

for (const [name, text] of Object.entries(lists)) {
  Deno.test(`readPictureList() reads ${name}`, () =>
    inTempFolder(async (folder) => {
      await writeFiles(folder, { [name]: text });
      const listed = await readPictureList(`${folder}/${name}`);
      const byLabel = listed.toSorted((a, b) => a.label < b.label ? 1 : -1);
      assertEquals(byLabel, [
        { path: "a/big owl.jpg", label: "1" },
        { path: "b.jpg", label: "0" },
      ]);
    }));
}

Deno.test("readPictureList() names what is wrong", () =>
  inTempFolder(async (folder) => {
    const fails = async (name: string, text: string, reason: string) => {
      await writeFiles(folder, { [name]: text });
      await assertRejects(() => readPictureList(`${folder}/${name}`), Error, reason);
    };
    await fails("a.txt", "x.jpg 1\ny.jpg\n", `Cannot use line 2 of ${folder}/a.txt: need a path`);
    await fails("a.txt", "\n", `Cannot use ${folder}/a.txt: it lists no picture`);
    await fails(
      "a.csv",
      "path,label\nx.jpg,1\ny.jpg,\n",
      `row 3 of ${folder}/a.csv: it has no label`,
    );
    await fails("a.csv", "path,kind\nx.jpg,1\n", "it has no label, class");
    await fails("a.json", "[1", `Cannot use ${folder}/a.json: it is damaged (`);
    await fails("a.json", '[{"path": "x"}, null]', `entry 0 of ${folder}/a.json: it has no label`);
    await fails("a.json", '{"owl": "x.jpg"}', '"owl" has no array of paths');
    await assertRejects(() => readPictureList(`${folder}/b.txt`), Error, "b.txt: ENOENT");
  }));

Deno.test("openPictureLists() numbers the classes of all lists together", () =>
  inTempFolder(async (folder) => {
    const root = `${folder}/birds`;
    await writeFiles(root, {
      "train.csv": "path,label\na.jpg,wren\nb.jpg,owl\n",
      "test.json": '{"kite": ["c/c.jpg"]}',
      ...pictureFiles(["a.jpg", "b.jpg", "c/c.jpg"]),
    });
    const parts = await openPictureLists(root);
    assertEquals(listingOf(parts), {
      train: ["a.jpg: wren", "b.jpg: owl"],
      test: ["c/c.jpg: kite"],
    });
    assertEquals(parts.train.classNames, ["kite", "owl", "wren"]);
    assertEquals(parts.train.name, "birds, train");
    await writeFiles(root, { "train.csv": "path,label\na.jpg,wren\na.jpg,owl\n" });
    await assertRejects(() => openPictureLists(root), Error, "a.jpg is listed twice");
    await writeFiles(root, { "train.csv": "path,label\na.jpg,wren\n" });
    await Deno.remove(`${root}/c/c.jpg`);
    await assertRejects(
      () => openPictureLists(root),
      Error,
      "1 of 1 listed pictures are missing, first c/c.jpg; put the pictures and their lists again",
    );
    await Deno.remove(`${root}/test.json`);
    await assertRejects(
      () => openPictureLists(root),
      Error,
      `Cannot find a list of pictures in ${root}: put test.txt, test.csv or test.json there`,
    );
  }));

Deno.test("openPictureLists() keeps numbers, and names them by classes.txt", () =>
  inTempFolder(async (folder) => {
    await writeFiles(folder, {
      "train.txt": "a.jpg 10\n",
      "val.txt": "a.jpg 2\n",
      "test.txt": "a.jpg 0\n",
      ...pictureFiles(["a.jpg"]),
    });
    const { train, val, test } = await openPictureLists(folder);
    const labels = () => [train, val!, test].map(({ labels }) => labels[0]);
    assertEquals([train.classNames.length, train.classNames[10], ...labels()], [
      11,
      "10",
      10,
      2,
      0,
    ]);
    await writeFiles(folder, { "classes.txt": "kite\nowl\nwren\n" });
    await assertRejects(
      () => openPictureLists(folder),
      Error,
      "the class of a.jpg (number 10, from 0) is none of its 3",
    );
    await writeFiles(folder, { "train.txt": "a.jpg 1\n" });
    assertEquals((await openPictureLists(folder)).train.classNames, ["kite", "owl", "wren"]);
  }));
