import sharp from "sharp";
import type { ArmKernels, ImageFeatures, ImageSet, PatchMap } from "lib/experiments/mod.ts";
import type { DepthwiseKernels } from "lib/explain/mod.ts";
import { imageMapPng } from "lib/report/sheets/image_map.ts";
import { imageMapOutput } from "lib/report/sheets/pointed_map.ts";
import { similarPatchesOutput } from "lib/report/sheets/similar_patches.ts";
import { kernelTable } from "lib/report/figures/kernel_numbers.ts";
import { kernelSheetPng } from "lib/report/sheets/kernel_sheet.ts";
import { patchColoursPng, patchSimilarityPng } from "lib/report/sheets/patch_sheet.ts";
import { classSimilarityPng, classSimilarityTable } from "lib/report/sheets/similarity_sheet.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/** A function that tells the colour of a pixel of a PNG. */
async function colours(png: Uint8Array) {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    ...info,
    at: (x: number, y: number) => {
      const from = (Math.round(y) * info.width + Math.round(x)) * 3;
      return [...data.subarray(from, from + 3)];
    },
  };
}

/** Images of one colour each, `side` pixels a side. */
function plain(side: number, ...all: readonly (readonly [number, number, number])[]): ImageSet {
  return {
    name: "plain",
    width: side,
    height: side,
    pixels: Uint8Array.from(all.flatMap((rgb) => Array(side * side).fill(rgb).flat())),
    labels: Int32Array.from(all, (_, i) => i),
    classNames: all.map((_, i) => `class ${i}`),
    ids: all.map((_, i) => `${i}`),
  };
}

const images = plain(8, [250, 0, 0], [0, 0, 250]);
/** Two maps of 4 × 4: the four patches inside differ from the others, and from each other. */
const map: PatchMap = {
  name: "a network",
  layer: "stages.1.2",
  features: {
    images: 2,
    height: 4,
    width: 4,
    channels: 3,
    values: Float32Array.from(
      Array.from({ length: 32 }, (_, i) => {
        const [y, x] = [Math.floor(i / 4) % 4, i % 4];
        const inside = y % 3 > 0 && x % 3 > 0;
        return inside ? [9, y, x * 0.5] : [0, 1.5, 0.75];
      }).flat(),
    ),
  },
};
const sheet = { images, blocks: [{ title: "one", maps: [map] }, { title: "two", maps: [map] }] };
// the longest name has 9 letters, the note 36, as "stages.1.2, 4×4; stages.1.2, 4×4"
const [side, top] = [96, 42];
const left = 10 + Math.ceil(6.2 * "stages.1.2, 4×4; stages.1.2, 4×4".length) + 4;
const row = side + 20;

Deno.test("patchColoursPng() has pictures above, and colours what lies inside in each block", async () => {
  const { at } = await colours(await patchColoursPng(sheet));
  const block = 2 * (side + 4) - 4 + 22;
  for (const from of [left, left + block]) {
    assertTrue(at(from + 20, top + 20)[0]! > 200, "the first picture is red");
    assertTrue(at(from + side + 24, top + 20)[2]! > 200, "the second picture is blue");
    const patch = (y: number, x: number) =>
      at(from + (x + 0.5) * side / 4, top + row + (y + 0.5) * side / 4);
    assertTrue(Math.max(...patch(0, 0), ...patch(3, 2)) < 10, "the edge is black");
    assertTrue(patch(1, 1).join() !== patch(2, 1).join(), "rows differ");
    assertTrue(patch(1, 1).join() !== patch(1, 2).join(), "columns differ");
  }
  await assertRejects(
    () => patchColoursPng({ images, blocks: [] }),
    RangeError,
    "need one of each",
  );
});

Deno.test("patchSimilarityPng() is red at the patch and what is like it, and frames it", async () => {
  const png = await patchSimilarityPng(sheet, { image: 1, y: 0.3, x: 0.3 });
  const { at } = await colours(png);
  const patch = (image: number, y: number, x: number) =>
    at(left + image * (side + 4) + (x + 0.5) * side / 4, top + row + (y + 0.5) * side / 4);
  const [red, , blue] = patch(1, 1, 1);
  assertTrue(red! > blue! + 60, `the patch itself: ${red}, ${blue}`);
  assertEquals(patch(0, 1, 1), patch(1, 1, 1)); // the same features in the other picture
  assertTrue(patch(1, 0, 0)[2]! > patch(1, 0, 0)[0]! + 60, "the edge is unlike it");
  assertEquals(at(left + side + 4 + side / 4, top + row + 1.5 * side / 4), [255, 255, 255]);
  const outside = () => patchSimilarityPng(sheet, { image: 0, y: 1, x: 0 });
  await assertRejects(outside, RangeError, "at y 1: need 0 to below 1");
});

Deno.test("similarPatchesOutput() says how much of the features it holds, and refuses a place outside", async () => {
  const output = await similarPatchesOutput(sheet, { image: 1, y: 0.3, x: 0.3 });
  const html = output["text/html"]!;
  assertTrue(html.includes("up to 3 principal components"), "all channels");
  assertTrue(/hold 100 % of/.test(html), html.slice(-400));
  const outside = () => similarPatchesOutput(sheet, { image: 0, y: 0, x: 1 });
  await assertRejects(outside, RangeError, "at x 1: need 0 to below 1");
  const none = () => similarPatchesOutput({ images, blocks: [] }, { image: 0, y: 0, x: 0 });
  await assertRejects(none, RangeError, "need one of each");
});

function kernels(layer: string, value: (i: number) => number): DepthwiseKernels {
  return {
    layer,
    size: 3,
    channels: 2,
    values: Float32Array.from({ length: 18 }, (_, i) => value(i)),
  };
}

const noise = (i: number) => (i * 7 % 5) - 2;
const arm: ArmKernels = {
  name: "BC-SSL, 3×3",
  kernelSize: 3,
  before: [[kernels("stages.0.0.dwconv", noise), kernels("stages.1.0.dwconv", noise)]],
  after: [[
    kernels("stages.0.0.dwconv", () => 1),
    kernels("stages.1.0.dwconv", (i) => i % 9 === 4 ? 1 : 0),
  ]],
  seeds: [0],
};

Deno.test("kernelSheetPng() draws the last layer of the deepest stage, or another, before and after", async () => {
  const { at } = await colours(await kernelSheetPng([arm], { count: 2 }));
  const [cell, from] = [56, 10 + Math.ceil(6.2 * "stages.1.0.dwconv".length) + 4];
  const block = 3 * (cell + 4) - 4 + 22;
  const middle = at(from + block + cell / 2, top + cell / 2);
  assertTrue(middle[0]! < 130 && middle[2]! < 60, `the weight in the middle is red: ${middle}`);
  assertTrue(Math.min(...at(from + block + 5, top + 5)) > 225, "the others are white");
  const spectrum = at(from + block + 2 * (cell + 4) + 10, top + 10);
  assertTrue(spectrum[0]! > 225 && spectrum[1]! > 225, "a single weight passes all frequencies");
  const other = () => kernelSheetPng([arm], { layer: "stages.9.0.dwconv" });
  await assertRejects(other, RangeError, "has stages.0.0.dwconv, stages.1.0.dwconv");
});

Deno.test("kernelTable() has the means over layers, before and after", () => {
  const [line] = kernelTable([arm]);
  // one layer of ones, whose weights lie (4 + 4√2)/9 from the middle on average; one of a single weight
  assertEquals(line!["reach after"], Math.round(1000 * (4 + 4 * Math.SQRT2) / 18) / 1000);
  assertTrue(Number(line!["frequency after"]) < Number(line!["frequency before"]), "they average");
  assertEquals([line!.network, line!.seeds, line!["reach, range over seeds"]], [
    "BC-SSL, 3×3",
    1,
    0,
  ]);
});

Deno.test("imageMapPng() puts each image at its place, framed in the colour of its class", async () => {
  const points = [[0, 0], [10, 5]] as const;
  const { at, width, height } = await colours(
    await imageMapPng(images, points, { side: 100, picture: 20 }),
  );
  assertEquals([width, height > 100], [100, true]);
  // the range of x is 10 and fills the map; y is centred: 5 of 10
  const corners = [[0, 20], [80, 60]] as const;
  corners.forEach(([x, y], i) => {
    assertTrue(at(x + 10, y + 10)[i * 2]! > 200, `image ${i}`);
    assertTrue(at(x + 10, y - 3).every((value) => value > 250), "white above it");
  });
  const [frame] = [at(0, 30)];
  assertTrue(frame[2]! > frame[0]! + 100, `blue frame of the first class: ${frame}`);
  await assertRejects(() => imageMapPng(images, [[0, 0]]), RangeError, "2 images at 1 points");
  await assertRejects(() => imageMapOutput(images, [[0, 0]]), RangeError, "2 images at 1 points");
});

Deno.test("classSimilarityPng() has a red block for each class that is alike, with the table's numbers", async () => {
  const features: ImageFeatures = {
    name: "a network",
    dim: 2,
    values: Float32Array.from([1, 0, -1, 0.1, 1, 0.1, -1, 0]),
  };
  const four = { labels: Int32Array.of(0, 1, 0, 1), classNames: ["first", "second"] };
  const { at } = await colours(await classSimilarityPng([features], four));
  const cell = 65; // 260 / 4
  const place = (r: number, c: number) => at(14 + (c + 0.5) * cell, top + (r + 0.5) * cell);
  assertTrue(place(0, 1)[0]! > place(0, 1)[2]! + 50, "the same class is red");
  assertTrue(place(0, 3)[2]! > place(0, 3)[0]! + 50, "the other is blue");
  const [line] = classSimilarityTable([features], four);
  assertTrue(
    Number(line!["same class"]) > 0.9 && Number(line!["different classes"]) < -0.9,
    "so too",
  );
});
