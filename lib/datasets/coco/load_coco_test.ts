import sharp from "sharp";
import { annotationsOf, maskOf, readCocoPicture } from "lib/datasets/coco/coco_set.ts";
import { type CocoOptions, loadCoco } from "lib/datasets/coco/load_coco.ts";
import { rleArea } from "lib/datasets/coco/rle.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";

type Fields = Record<string, unknown>;

const image = (id: number, more: Fields = {}) => ({
  id,
  file_name: `${id}.png`,
  width: 20,
  height: 10,
  ...more,
});
const annotation = (id: number, more: Fields = {}) => ({
  id,
  image_id: 1,
  category_id: 3,
  bbox: [2, 2, 6, 5],
  area: 30,
  iscrowd: 0,
  segmentation: [[2, 2, 8, 2, 8, 7, 2, 7]],
  ...more,
});
const categories = [{ id: 18, name: "dog" }, { id: 3, name: "car" }];

/** Loads `contents` as `coco.json`, beside pictures of 20 × 10 pixels named 1.png to 3.png. */
async function load(contents: unknown, options: Partial<CocoOptions> = {}) {
  let result: { loaded: Awaited<ReturnType<typeof loadCoco>>; lines: string[] } | undefined;
  await inTempFolder(async (folder) => {
    const black = sharp({ create: { width: 20, height: 10, channels: 3, background: "black" } });
    for (const id of [1, 2, 3]) await black.png().toFile(`${folder}/${id}.png`);
    const text = typeof contents === "string" ? contents : JSON.stringify(contents);
    await Deno.writeTextFile(`${folder}/coco.json`, text);
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line.replaceAll(folder, "…"));
    result = {
      loaded: await loadCoco(`${folder}/coco.json`, { folder, log, ...options }).catch((error) => {
        throw new Error(error.message.replaceAll(folder, "…"));
      }),
      lines,
    };
  });
  return result!;
}

const good = {
  info: { year: 2017 },
  images: [image(2), image(1), image(3)],
  annotations: [
    annotation(7),
    annotation(5, { image_id: 3, category_id: 18 }),
    annotation(9, {
      iscrowd: 1,
      segmentation: { size: [10, 20], counts: [3, 4, 193] },
      bbox: [0, 3, 1, 4],
      area: 4,
    }),
    annotation(4, { segmentation: { size: [10, 20], counts: "34Q6" }, bbox: [0, 3, 1, 4] }),
  ],
  categories,
};

Deno.test("loadCoco() reads polygons, masks of both kinds, crowds and empty images", async () => {
  const { loaded: { set, faults }, lines } = await load(good);
  assertEquals([faults.length, lines.length], [0, 0]);
  assertEquals(set.name, "coco");
  assertEquals(set.images.map(({ id }) => id), [1, 2, 3]);
  assertEquals(set.categories, [{ id: 3, name: "car" }, { id: 18, name: "dog" }]);
  assertEquals(annotationsOf(set, set.images[1]!), []);
  const first = annotationsOf(set, set.images[0]!);
  assertEquals(first.map(({ id }) => id), [7, 9, 4]);
  assertEquals(first.map(({ crowd }) => crowd), [false, true, false]);
  assertEquals(first.map((a) => rleArea(maskOf(a, set.images[0]!))), [30, 4, 4]);
  assertEquals(first[0]!.box, [2, 2, 6, 5]);
  assertEquals(annotationsOf(set, set.images[2]!)[0]!.categoryId, 18);
});

const wrong: readonly [Fields, string][] = [
  [{ image_id: 99 }, "there is no image 99"],
  [{ image_id: "1" }, 'image_id is "1", not an integer'],
  [{ category_id: 4 }, "there is no category 4"],
  [{ bbox: [15, 2, 8, 5] }, "its box [15,2,8,5] lies outside of image 1 (20 × 10)"],
  [{ bbox: [2, -3, 8, 5] }, "lies outside of image 1"],
  [{ bbox: [-2, 3, 8, 5] }, "lies outside of image 1"],
  [{ bbox: [2, 7, 8, 5] }, "lies outside of image 1"],
  [{ bbox: [2, 2, 0, 5] }, "its box is 0 wide and 5 high"],
  [{ bbox: [2, 2, 6, -5] }, "its box is 6 wide and -5 high"],
  [{ bbox: [2, 2, 6] }, "its box is [2,2,6], not four numbers"],
  [{ bbox: [2, 2, 6, "5"] }, 'its box is [2,2,6,"5"], not four numbers'],
  [{ bbox: undefined }, "its box is missing"],
  [{ area: -30 }, "its area is -30"],
  [{ area: null }, "its area is null"],
  [{ iscrowd: 2 }, "iscrowd is 2, not 0 or 1"],
  [{ segmentation: [[2, 2, 8, 7]] }, "a polygon has 2 points: need three or more"],
  [{ segmentation: [[2, 2, 8, 2, 8, 7], [1, 1]] }, "a polygon has 1 points"],
  [{ segmentation: [[2, 2, 8, 2, 8, 7, 2]] }, "a polygon has 3.5 points"],
  [{ segmentation: [[2, 2, 8, 2, "8", 7]] }, "not numbers"],
  [{ segmentation: [[2, 2, 8, 2, 8, 17]] }, "a polygon reaches y = 17, outside of image 1"],
  [{ segmentation: [[2, 2, 18, 2, 28, 7]] }, "a polygon reaches x = 28, outside of image 1"],
  [{ segmentation: [[2, 2, -8, 2, 8, 7]] }, "a polygon reaches x = -8"],
  [{ segmentation: [] }, "it has no polygon"],
  [{ segmentation: undefined }, "its segmentation is missing"],
  [{ segmentation: { size: [20, 10], counts: [200] } }, "its mask's size is [20,10]"],
  [{ segmentation: { size: [10, 20], counts: [100] } }, "its runs add up to 100, not 200"],
  [{ segmentation: { size: [10, 20], counts: [201, -1] } }, "its mask's runs are [201,-1]"],
  [{ segmentation: { size: [10, 20], counts: "3 Q6" } }, "wrong at character 1"],
  [{ id: 7 }, "another has this id"],
];

Deno.test("loadCoco() reports each wrong object with file and id, and goes on without it or stops", async () => {
  for (const [change, reason] of wrong) {
    const id = (change["id"] as number | undefined) ?? 66;
    const annotations = [...good.annotations, annotation(66, change)];
    const { loaded: { set, faults }, lines } = await load({ ...good, annotations });
    assertEquals(faults.map(({ kind, id }) => [kind, id]), [["annotation", id]]);
    assertTrue(faults[0]!.reason.includes(reason), `${faults[0]!.reason} says: ${reason}`);
    assertTrue(lines[0]!.startsWith(`Left out annotation ${id} of …/coco.json: `), lines[0]!);
    assertEquals([...set.annotations.values()].flat().map(({ id }) => id), [7, 9, 4, 5]);
    await assertRejects(
      () => load({ ...good, annotations }, { onFault: "stop" }),
      Error,
      `Cannot use annotation ${id} of …/coco.json: `,
    );
  }
});

Deno.test("loadCoco() lets boxes and polygons reach a pixel over the edge, as in COCO's own files", async () => {
  const over = { bbox: [-0.5, 0, 21, 10.4], segmentation: [[-0.5, 0, 20.5, 0, 20, 10.4]] };
  const { loaded } = await load({ ...good, annotations: [annotation(1, over)] });
  assertEquals(loaded.faults, []);
});

Deno.test("loadCoco() reports images without a picture, and their objects with them", async () => {
  const contents = {
    ...good,
    images: [
      image(1, { file_name: "gone.png" }),
      image(2),
      image(2),
      image(3),
      image(4, { width: 0 }),
    ],
  };
  const { loaded: { set, faults } } = await load(contents);
  assertEquals(faults.map(({ kind, id }) => `${kind} ${id}`), [
    "image 2",
    "image 4",
    "image 1",
    "annotation 7",
    "annotation 9",
    "annotation 4",
  ]);
  assertTrue(faults[0]!.reason.includes("another has this id"), faults[0]!.reason);
  assertTrue(faults[1]!.reason.includes("0 × 10"), faults[1]!.reason);
  assertTrue(faults[2]!.reason.endsWith("gone.png"), faults[2]!.reason);
  assertEquals(set.images.map(({ id }) => id), [2, 3]);
  await assertRejects(
    () => load({ ...good, images: [image(1, { file_name: "gone.png" })] }),
    Error,
    "none of its pictures is there, first …/gone.png",
  );
});

Deno.test("loadCoco() reports an element that is no JSON by its id, byte and place", async () => {
  const text = JSON.stringify(good).replace('"area":30', '"area":NaN'); // as Python writes it
  const { loaded: { faults } } = await load(text);
  assertEquals(faults.map(({ id }) => id), [7]);
  const byte = text.indexOf('{"id":7');
  assertTrue(faults[0]!.reason.startsWith(`element 0, at byte ${byte}: `), faults[0]!.reason);
});

Deno.test("loadCoco() never goes on with a file that is cut short or has a part missing", async () => {
  const whole = JSON.stringify(good);
  const cut = whole.slice(0, whole.indexOf('"id":4'));
  await assertRejects(
    () => load(cut),
    Error,
    `it is cut short: it ends after ${cut.length} bytes, in element 3 of "annotations", after annotation 9`,
  );
  const { categories: _, ...without } = good;
  await assertRejects(() => load(without), Error, '…/coco.json: it has no "categories"');
  await assertRejects(() => load({}), Error, 'no "images", no "categories", no "annotations"');
  const { loaded } = await load({ ...good, annotations: [] });
  assertEquals([loaded.faults.length, loaded.set.annotations.size], [0, 0]);
});

Deno.test("loadCoco() logs twenty faults and how many more there are", async () => {
  const annotations = Array.from({ length: 23 }, (_, i) => annotation(i + 1, { area: -1 }));
  const { loaded: { faults }, lines } = await load({ ...good, annotations });
  assertEquals([faults.length, lines.length], [23, 21]);
  assertEquals(lines.at(-1), "… and 3 more of …/coco.json");
});

Deno.test("readCocoPicture() gives the pixels, and names a picture of another size or none", () =>
  inTempFolder(async (folder) => {
    const red = { width: 20, height: 10, channels: 3, background: "red" } as const;
    await sharp({ create: red }).png().toFile(`${folder}/1.png`);
    await Deno.writeTextFile(`${folder}/2.png`, "no picture");
    await Deno.writeTextFile(
      `${folder}/coco.json`,
      JSON.stringify({ ...good, images: [image(1), image(2)], annotations: [] }),
    );
    const { set } = await loadCoco(`${folder}/coco.json`, { folder });
    const { data, height, width } = await readCocoPicture(set, set.images[0]!);
    assertEquals([height, width, ...data.subarray(0, 3)], [10, 20, 255, 0, 0]);
    await assertRejects(
      () => readCocoPicture(set, set.images[1]!),
      Error,
      `Cannot read ${folder}/2.png, image 2 of "coco"`,
    );
    await assertRejects(
      () => readCocoPicture(set, { ...set.images[0]!, height: 20, width: 10 }),
      Error,
      "it is 20 × 10 pixels, its annotations are for 10 × 20",
    );
  }));
