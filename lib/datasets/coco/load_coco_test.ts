import sharp from "sharp";
import { annotationsOf, maskOf } from "./coco_set.ts";
import { type CocoOptions, loadCoco } from "./load_coco.ts";
import { rleArea, rleBox } from "./rle.ts";
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
async function load(contents: string | Uint8Array | object, options: Partial<CocoOptions> = {}) {
  let result: { loaded: Awaited<ReturnType<typeof loadCoco>>; lines: string[] } | undefined;
  await inTempFolder(async (folder) => {
    const black = sharp({ create: { width: 20, height: 10, channels: 3, background: "black" } });
    for (const id of [1, 2, 3]) await black.png().toFile(`${folder}/${id}.png`);
    const isText = typeof contents === "string" || contents instanceof Uint8Array;
    const text = isText ? contents : JSON.stringify(contents);
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    await Deno.writeFile(`${folder}/coco.json`, bytes);
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
  [{ image_id: "one" }, 'image_id is "one", not an integer'],
  [{ image_id: 1.5 }, "image_id is 1.5, not an integer"],
  [{ category_id: 4 }, "there is no category 4"],
  [{ bbox: [25, 2, 8, 5] }, "its box [25,2,8,5] lies outside of image 1 (20 × 10)"],
  [{ bbox: [2, -8, 8, 5] }, "lies outside of image 1"],
  [{ bbox: undefined, segmentation: undefined }, "it has neither a box nor a mask"],
  [{ bbox: undefined, segmentation: [[2, 2, 8, 7]] }, "it has neither a box nor a mask"],
  [
    { bbox: undefined, segmentation: { size: [10, 20], counts: [200] } },
    "its box is missing, and its mask is empty",
  ],
  [{ bbox: [2, 2, 0, 5] }, "its box is 0 wide and 5 high"],
  [{ bbox: [2, 2, 6, -5] }, "its box is 6 wide and -5 high"],
  [{ bbox: [2, 2, 6] }, "its box is [2,2,6], not four numbers"],
  [{ bbox: [2, 2, 6, "5"] }, 'its box is [2,2,6,"5"], not four numbers'],
  [{ area: -30 }, "its area is -30"],
  [{ iscrowd: 2 }, "iscrowd is 2, not 0 or 1"],
  [{ segmentation: [[2, 2, 8, 2, 8, 7, 2]] }, "a polygon has 3.5 points"],
  [{ segmentation: [[2, 2, 8, 2, "8", 7]] }, "not numbers"],
  [{ segmentation: "34Q6" }, 'its segmentation is "34Q6"'],
  [{ segmentation: [[2, 2, 8, 2, 8, 27]] }, "a polygon reaches y = 27, far outside of image 1"],
  [{ segmentation: [[2, 2, 48, 2, 8, 7]] }, "a polygon reaches x = 48, far outside of image 1"],
  [{ segmentation: [[2, 2, -28, 2, 8, 7]] }, "a polygon reaches x = -28"],
  [{ segmentation: { size: [20, 10], counts: [200] } }, "its mask's size is [20,10]"],
  [{ segmentation: { size: [10, 20], counts: [100] } }, "its runs add up to 100, not 200"],
  [{ segmentation: { size: [10, 20], counts: [201, -1] } }, "its mask's runs are [201,-1]"],
  [{ segmentation: { size: [10, 20], counts: "3 Q6" } }, "wrong at character 1"],
];

Deno.test("loadCoco() reports each wrong object with file and id, and goes on without it or stops", async () => {
  for (const [change, reason] of wrong) {
    const id = 66;
    const annotations = [...good.annotations, annotation(66, change)];
    const { loaded: { set, faults }, lines } = await load({ ...good, annotations });
    assertEquals(faults.map(({ kind, id }) => [kind, id]), [["annotation", id]]);
    assertTrue(faults[0]!.reason.includes(reason), `${faults[0]!.reason} says: ${reason}`);
    assertTrue(
      lines.at(-1)!.startsWith(`Left out annotation ${id} of …/coco.json: `),
      lines.at(-1)!,
    );
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

/** Loads one object; returns it with the counts of what was mended and the logged lines. */
async function loadOne(change: Fields) {
  const { loaded, lines } = await load({ ...good, annotations: [annotation(1, change)] });
  assertEquals(loaded.faults, []);
  const [object] = annotationsOf(loaded.set, loaded.set.images[0]!);
  return { object: object!, mended: Object.fromEntries(loaded.mended), lines };
}

Deno.test("loadCoco() takes iscrowd as a number, a boolean, a text or nothing", async () => {
  const crowds = [[false, false], [true, true], ["0", false], ["1", true], [undefined, false], [
    null,
    false,
  ]] as const;
  for (const [iscrowd, crowd] of crowds) {
    const { object, mended } = await loadOne({ iscrowd });
    assertEquals([object.crowd, mended], [crowd, {}]);
  }
});

Deno.test("loadCoco() computes an area that is missing, null or NaN from the mask, and counts it", async () => {
  const what = "areas computed from masks, where the file has none";
  for (const area of [undefined, null]) {
    const { object, mended, lines } = await loadOne({ area });
    assertEquals([object.area, mended], [30, { [what]: 1 }]);
    assertEquals(lines, [`Read …/coco.json with 1 ${what}`]);
  }
  // Python writes NaN without quotes; the text "NaN" must stay a text
  const text = JSON.stringify({ ...good, info: "NaN" }).replace('"area":30', '"area":NaN');
  const { loaded: { set, faults, mended } } = await load(text);
  assertEquals([faults, mended], [[], new Map([[what, 1]])]);
  assertEquals(annotationsOf(set, set.images[0]!)[0]!.area, 30);
});

Deno.test("loadCoco() clips a box that reaches out of its image, and counts it", async () => {
  const clipped = [
    [[15, 2, 8, 5], [15, 2, 5, 5]],
    [[2, -3, 8, 5], [2, 0, 8, 2]],
    [[-2, 3, 8, 5], [0, 3, 6, 5]],
    [[2, 7, 8, 5], [2, 7, 8, 3]],
    [[-2, -2, 30, 30], [0, 0, 20, 10]],
  ];
  for (const [bbox, box] of clipped) {
    const { object, mended } = await loadOne({ bbox });
    assertEquals([[...object.box], mended], [box!, { "boxes clipped to their image": 1 }]);
  }
});

Deno.test("loadCoco() leaves out a polygon of fewer than three points, and keeps its object", async () => {
  const square = [2, 2, 8, 2, 8, 7, 2, 7];
  const what = "polygons left out for having fewer than three points; their objects stay";
  for (const polygon of [[1, 1], [1, 1, 2, 2], []]) {
    const { object, mended } = await loadOne({ segmentation: [polygon, square] });
    assertEquals([object.segmentation, mended], [[square], { [what]: 1 }]);
  }
});

Deno.test("loadCoco() takes an object without a mask for its box, and one without a box for its mask, and counts both", async () => {
  const what = "objects without a mask, whose box is taken as the mask";
  for (const segmentation of [[], undefined, null]) {
    const { object, mended } = await loadOne({ segmentation });
    const mask = maskOf(object, { height: 10, width: 20 });
    assertEquals([rleArea(mask), rleBox(mask), mended], [30, [2, 2, 6, 5], { [what]: 1 }]);
  }
  const { object, mended } = await loadOne({ bbox: undefined });
  assertEquals([...object.box], [2, 2, 6, 5]);
  assertEquals(mended, { "boxes drawn around masks, where the file has none": 1 });
});

Deno.test("loadCoco() takes one polygon without a list, points as pairs, and polygons that reach over the edge", async () => {
  const square = [2, 2, 8, 2, 8, 7, 2, 7];
  const pairs = [[2, 2], [8, 2], [8, 7], [2, 7]];
  for (const segmentation of [square, [pairs]]) {
    const { object, mended } = await loadOne({ segmentation });
    assertEquals([object.segmentation, mended], [[square], {}]);
  }
  const { object, mended } = await loadOne({ segmentation: [[15, 2, 25, 2, 25, 7, 15, 7]] });
  assertEquals(rleArea(maskOf(object, { height: 10, width: 20 })), 25);
  assertEquals(mended, { "polygons cut off at the edge of their image": 1 });
});

Deno.test("loadCoco() takes ids as texts of digits", async () => {
  const texts = (fields: Fields) =>
    Object.fromEntries(
      Object.entries(fields).map((
        [name, value],
      ) => [name, /id$|width|height/.test(name) ? String(value) : value]),
    );
  const contents = {
    images: good.images.map(texts),
    annotations: good.annotations.map(texts),
    categories: categories.map(texts),
  };
  const [asTexts, asNumbers] = [await load(contents), await load(good)];
  assertEquals(asTexts.loaded.faults, []);
  assertEquals({ ...asTexts.loaded.set, folder: "" }, { ...asNumbers.loaded.set, folder: "" });
});

Deno.test("loadCoco() gives an object without an id, or with another's, a new one; an object that is listed twice counts once", async () => {
  const annotations = [
    annotation(7),
    annotation(7, { bbox: [1, 1, 3, 3] }),
    annotation(7),
    annotation(0, { id: undefined }),
  ];
  const { loaded: { set, faults, mended } } = await load({ ...good, annotations });
  assertEquals(faults, []);
  const objects = annotationsOf(set, set.images[0]!);
  assertEquals(objects.map(({ id, box }) => [id, box[0]]), [[7, 2], [8, 1], [9, 2]]);
  assertEquals(Object.fromEntries(mended), {
    "annotations listed twice": 1,
    "annotations whose id was missing or already in use, with a new one": 2,
  });
});

Deno.test("loadCoco() leaves out all images and categories that share an id, with their objects", async () => {
  const images = [image(1), image(2), image(2), image(3), image(3, { file_name: "1.png" })];
  const twice = [...categories, { id: 18, name: "cat" }];
  const { loaded: { set, faults, mended }, lines } = await load({
    ...good,
    images,
    categories: twice,
  });
  assertEquals([set.images.map(({ id }) => id), set.categories.map(({ id }) => id)], [[1, 2], [3]]);
  assertEquals(faults.map(({ kind, id }) => `${kind} ${id}`), [
    "image 3",
    "category 18",
    "annotation 5",
  ]);
  assertEquals(mended, new Map([["images listed twice", 1]]));
  assertTrue(
    lines[1]!.endsWith('several have this id: "3.png, 20 × 10", "1.png, 20 × 10"'),
    lines[1]!,
  );
});

Deno.test("loadCoco() finds pictures under names from Windows or with folders of another computer", async () => {
  const images = [
    image(1, { file_name: "C:\\data\\train\\1.png" }),
    image(2, { file_name: "/home/her/train2017/2.png" }),
    image(3, { file_name: "3.png" }),
  ];
  const { loaded: { set, faults, mended } } = await load({ ...good, images });
  assertEquals(faults, []);
  assertEquals(set.images.map(({ fileName }) => fileName), ["1.png", "2.png", "3.png"]);
  assertEquals([...mended.values()], [2]);
  const alike = [image(1, { file_name: "a/1.png" }), image(2, { file_name: "b/1.png" }), image(3)];
  const { loaded } = await load({ ...good, images: alike });
  assertEquals(loaded.faults.slice(0, 2).map(({ id, reason }) => [id, reason.slice(0, 19)]), [
    [1, "there is no picture"],
    [2, "there is no picture"],
  ]);
});

Deno.test("loadCoco() reads width and height from the picture where the file has none", async () => {
  const images = [image(1, { width: undefined, height: null }), image(2)];
  const { loaded: { set, faults, mended } } = await load({ ...good, images });
  assertEquals(faults.map(({ id }) => id), [5]); // its image is not in this file
  const { height, width } = set.images[0]!;
  assertEquals([height, width], [10, 20]);
  assertEquals([...mended], [["images whose width and height were read from the picture", 1]]);
});

Deno.test("loadCoco() reports images without a picture, and their objects with them", async () => {
  const contents = {
    ...good,
    images: [
      image(1, { file_name: "gone.png" }),
      image(2),
      image(3),
      image(4, { width: 0 }),
    ],
  };
  const { loaded: { set, faults }, lines } = await load(contents);
  assertEquals(faults.map(({ kind, id }) => `${kind} ${id}`), [
    "image 4",
    "image 1",
    "annotation 7",
    "annotation 9",
    "annotation 4",
  ]);
  assertTrue(faults[0]!.reason.includes("0 × 10"), faults[0]!.reason);
  assertTrue(faults[1]!.reason.endsWith("gone.png"), faults[1]!.reason);
  assertEquals(
    lines[2],
    "Left out annotation 7 of …/coco.json: there is no image 1, and 2 more for the same reason",
  );
  assertEquals(set.images.map(({ id }) => id), [2, 3]);
  await assertRejects(
    () => load({ ...good, images: [image(1, { file_name: "gone.png" })] }),
    Error,
    "none of its images can be used, the first because there is no picture …/gone.png",
  );
});

Deno.test("loadCoco() reports an element that is not JSON by its id, byte and index", async () => {
  const text = JSON.stringify(good).replace('"area":30', '"area":3O');
  const { loaded: { faults } } = await load(text);
  assertEquals(faults.map(({ id }) => id), [7]);
  const byte = text.indexOf('{"id":7');
  assertTrue(faults[0]!.reason.startsWith(`element 0, at byte ${byte}: `), faults[0]!.reason);
});

Deno.test("loadCoco() reads files with byte-order marks, of UTF-8 and of UTF-16", async () => {
  const text = JSON.stringify({
    ...good,
    categories: [{ id: 3, name: "Wägen" }, { id: 18, name: "犬" }],
  });
  const wide = (bigEndian: boolean) => {
    const bytes = new Uint8Array(2 * text.length + 2);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 0xfeff, !bigEndian);
    for (let i = 0; i < text.length; i++) {
      view.setUint16(2 + 2 * i, text.charCodeAt(i), !bigEndian);
    }
    return bytes;
  };
  for (const contents of [`\uFEFF${text}`, wide(false), wide(true)]) {
    const { loaded: { set, faults } } = await load(contents);
    assertEquals(faults, []);
    assertEquals(set.categories.map(({ name }) => name), ["Wägen", "犬"]);
  }
});

Deno.test("loadCoco() refuses a file of whose objects none can be used", async () => {
  await assertRejects(
    () => load({ ...good, categories: [] }),
    Error,
    "Cannot use …/coco.json: none of its 4 objects can be used, the first because there is no category 3",
  );
});

Deno.test("loadCoco() never goes on with a file that is cut short or has a part missing", async () => {
  const json = JSON.stringify(good);
  const cut = json.slice(0, json.indexOf('"id":4'));
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

Deno.test("loadCoco() logs each reason once, twenty of them, and how many more there are", async () => {
  const wrong = Array.from({ length: 23 }, (_, i) => annotation(i + 100, { area: -1 - i }));
  const same = Array.from({ length: 40 }, (_, i) => annotation(i + 200, { image_id: 99 }));
  const annotations = [annotation(1), ...same, ...wrong];
  const { loaded: { faults }, lines } = await load({ ...good, annotations });
  assertEquals([faults.length, lines.length], [63, 21]);
  assertTrue(
    lines[0]!.endsWith("there is no image 99, and 39 more for the same reason"),
    lines[0]!,
  );
  assertEquals(lines.at(-1), "… and 4 more of …/coco.json");
});
