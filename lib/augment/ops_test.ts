/**
 * Tests what the golden values do not cover: errors, one channel, sizes that change between calls.
 */
import {
  adjustSaturation,
  colorJitter,
  flipHorizontal,
  gaussianBlur,
  imageNetStats,
  normalize,
  normalizeTable,
  type Raster,
  raster,
  resizedCrop,
  shiftHue,
  toGrayscale,
} from "./mod.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

function noise(width: number, height: number, channels: 1 | 3, seed = 0): Raster {
  const rng = createRng(seed);
  const data = Uint8Array.from({ length: width * height * channels }, () => rng.int(256));
  return raster(width, height, channels, data);
}

function asRgb(grey: Raster): Raster {
  const data = Uint8Array.from({ length: grey.data.length * 3 }, (_, i) => grey.data[i / 3 | 0]!);
  return raster(grey.width, grey.height, 3, data);
}

const params = {
  order: ["hue", "contrast", "saturation", "brightness"],
  brightness: 1.2,
  contrast: 0.7,
  saturation: 1.3,
  hue: 0.2,
} as const;

const ops: Record<string, (image: Raster) => void> = {
  flipHorizontal,
  colorJitter: (image) => colorJitter(image, params),
  "gaussianBlur, narrow": (image) => gaussianBlur(image, 0.8),
  "gaussianBlur, wide": (image) => gaussianBlur(image, 1.8),
  "gaussianBlur, very wide": (image) => gaussianBlur(image, 9),
};

for (const [name, op] of Object.entries(ops)) {
  Deno.test(`${name}: one channel gives what three equal channels give`, () => {
    const grey = noise(9, 7, 1);
    const colour = asRgb(grey);
    op(grey);
    op(colour);
    assertEquals(colour.data, asRgb(grey).data);
  });
}

for (const size of [4, 5, 20]) {
  Deno.test(`resizedCrop() to ${size} pixels: one channel gives what three equal channels give`, () => {
    const grey = noise(9, 7, 1);
    const [one, three] = [raster(size, size, 1), raster(size, size)];
    const box = { left: 1, top: 2, width: 7, height: 5 };
    resizedCrop(grey, box, one);
    resizedCrop(asRgb(grey), box, three);
    assertEquals(three.data, asRgb(one).data);
  });
}

Deno.test("resizedCrop() does not remember the crop before", () => {
  const [large, small] = [noise(200, 150, 3), noise(8, 8, 3, 1)];
  const box = { left: 1, top: 1, width: 5, height: 6 };
  const [before, after] = [raster(12, 12), raster(12, 12)];
  resizedCrop(small, box, before);
  resizedCrop(large, { left: 0, top: 0, width: 200, height: 150 }, raster(96, 96));
  resizedCrop(small, box, after);
  assertEquals(after.data, before.data);
});

Deno.test("resizedCrop() keeps a flat image flat, enlarged, shrunk and in blocks of rows", () => {
  for (const [width, height] of [[3, 3], [100, 90], [31, 65]] as const) {
    const flat = raster(width, height, 3, new Uint8Array(width * height * 3).fill(200));
    const out = raster(16, 16);
    resizedCrop(flat, { left: 0, top: 0, width, height }, out);
    assertEquals(out.data, new Uint8Array(16 * 16 * 3).fill(200));
  }
});

Deno.test("normalize() writes (v/255 − mean)/std from its offset on, and nothing else", () => {
  const image = noise(3, 2, 3);
  const out = new Float32Array(3 * 2 * 3 + 2).fill(7);
  normalize(image, normalizeTable(imageNetStats), out, 1);
  const { mean, std } = imageNetStats;
  const expected = Array.from(image.data, (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!);
  assertClose(out, [7, ...expected, 7], 1e-6);
});

Deno.test("a grey image stays as it was under saturation and hue", () => {
  const image = asRgb(noise(5, 5, 1));
  const before = image.data.slice();
  adjustSaturation(image, 0.3);
  shiftHue(image, 0.4);
  assertEquals(image.data, before);
});

Deno.test("the ops throw on what they cannot do", () => {
  const image = noise(4, 3, 3);
  const box = { left: 2, top: 0, width: 3, height: 1 };
  assertThrows(() => resizedCrop(image, box, raster(2, 2)), RangeError, "3 x 1 at (2, 0)");
  assertThrows(
    () => resizedCrop(image, { ...box, left: 0 }, raster(2, 2, 1)),
    TypeError,
    "channels",
  );
  assertThrows(() => gaussianBlur(image, -1), RangeError, "radius -1");
  assertThrows(() => shiftHue(image, 0.6), RangeError, "0.6 turns");
  assertThrows(() => toGrayscale(image, raster(4, 4, 1)), TypeError, "4 x 3");
  assertThrows(() => raster(0, 3), RangeError, "at least one pixel");
  assertThrows(() => raster(2, 2, 3, new Uint8Array(4)), TypeError, "from 4 values");
  const table = normalizeTable(imageNetStats);
  assertThrows(() => normalize(image, table, new Float32Array(36), 1), RangeError, "array of 36");
  const stats = { ...imageNetStats, std: [1, 0, 1] } as const;
  assertThrows(() => normalizeTable(stats), RangeError, "positive");
});
