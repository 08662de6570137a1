import { raster } from "lib/augment/mod.ts";
import {
  augmentPicture,
  cropped,
  type DetectionAugmentation,
  fittedSize,
  mirrored,
  resized,
  type TrainingPicture,
} from "./augment.ts";
import { boxCount } from "lib/detect/boxes/boxes.ts";
import { batchPictures } from "lib/detect/inference/detection_pixels.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const [height, width] = [40, 60];

/**
 * A picture of rectangles of one colour each, half-open in pixels, so that colour, box and mask of
 * an object agree.
 */
const objects = [
  { label: 3, box: [5, 8, 25, 20], colour: [250, 10, 20] },
  { label: 1, box: [30, 22, 58, 38], colour: [20, 240, 30] },
  { label: 2, box: [50, 0, 60, 6], colour: [10, 30, 230] },
] as const;

function example(): TrainingPicture {
  const picture = raster(width, height, 3);
  const masks = objects.map(({ box: [left, top, right, bottom], colour }) => {
    const mask = new Uint8Array(height * width);
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        mask[y * width + x] = 1;
        picture.data.set(colour, 3 * (y * width + x));
      }
    }
    return mask;
  });
  const boxes = Float32Array.from(objects.flatMap(({ box }) => box));
  const labels = Int32Array.from(objects, ({ label }) => label);
  return { picture, targets: { height, width, boxes, labels, masks } };
}

/** The extent of a mask: `[left, top, right, bottom]`. */
function extent(mask: Uint8Array, columns: number): number[] {
  const [xs, ys]: [number[], number[]] = [[], []];
  mask.forEach((value, p) => {
    if (value === 0) return;
    xs.push(p % columns);
    ys.push(Math.floor(p / columns));
  });
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
}

/** Checks that picture, box and mask of every object agree to within `slack` pixels. */
function assertWhole({ picture, targets }: TrainingPicture, slack: number): void {
  assertEquals([picture.height, picture.width], [targets.height, targets.width]);
  targets.masks.forEach((mask, i) => {
    const box = [...targets.boxes.subarray(4 * i, 4 * i + 4)];
    extent(mask, targets.width).forEach((side, k) =>
      assertTrue(
        Math.abs(side - box[k]!) <= slack,
        `mask ${extent(mask, targets.width)}, box ${box}`,
      )
    );
    const { colour } = objects.find(({ label }) => label === targets.labels[i])!;
    const [left, top, right, bottom] = box as [number, number, number, number];
    // a small object may have lost all pixels of its own colour to the blending
    if (right - left < 6 || bottom - top < 6) return;
    const centre = Math.floor((top + bottom) / 2) * targets.width + Math.floor((left + right) / 2);
    assertEquals(mask[centre], 1);
    const pixel = picture.data.subarray(3 * centre, 3 * centre + 3);
    const off = pixel.reduce((most, value, c) => Math.max(most, Math.abs(value - colour[c]!)), 0);
    assertTrue(off <= (slack === 0 ? 0 : 100), `[${pixel}], drawn in [${colour}]`);
  });
}

Deno.test("mirrored() turns picture, boxes and masks, and leaves its argument", () => {
  const before = example();
  const { picture, targets } = mirrored(before);
  assertEquals(before, example());
  assertEquals([...targets.boxes], [35, 8, 55, 20, 2, 22, 30, 38, 0, 0, 10, 6]);
  assertWhole({ picture, targets }, 0);
  assertEquals(mirrored({ picture, targets }), example());
});

Deno.test("fittedSize() fits the short side, unless the long one would exceed its limit", () => {
  assertEquals(fittedSize({ height: 480, width: 640 }, 800, 1333), { height: 800, width: 1067 });
  assertEquals(fittedSize({ height: 640, width: 480 }, 800, 1333), { height: 1067, width: 800 });
  assertEquals(fittedSize({ height: 300, width: 900 }, 800, 1333), { height: 444, width: 1333 });
  assertEquals(fittedSize({ height: 1, width: 900 }, 100, 100), { height: 1, width: 100 });
});

for (
  const size of [{ height: 80, width: 120 }, { height: 61, width: 83 }, { height: 20, width: 30 }]
) {
  Deno.test(`resized() to ${size.width} × ${size.height} scales boxes, and masks to their nearest pixels`, () => {
    const result = resized(example(), size);
    assertWhole(result, 1);
    const scaled = objects.flatMap(({ box }) =>
      box.map((value, k) => value * (k % 2 === 0 ? size.width / width : size.height / height))
    );
    assertClose(result.targets.boxes, scaled, 1e-6);
    const { masks } = example().targets;
    result.targets.masks.forEach((mask, i) =>
      mask.forEach((value, p) => {
        const y = Math.floor((Math.floor(p / size.width) + 0.5) * height / size.height);
        const x = Math.floor((p % size.width + 0.5) * width / size.width);
        if (value !== masks[i]![y * width + x]) throw new Error(`mask ${i} at ${p}`);
      })
    );
  });
}

Deno.test("cropped() cuts boxes and masks, and drops what lies outside", () => {
  const crop = { left: 20, top: 10, height: 20, width: 25 };
  const { picture, targets } = cropped(example(), crop);
  assertEquals([...targets.labels], [3, 1]);
  assertEquals([...targets.boxes], [0, 0, 5, 10, 10, 12, 25, 20]);
  assertEquals(targets.masks.map((mask) => extent(mask, 25)), [[0, 0, 5, 10], [10, 12, 25, 20]]);
  for (const [y, x] of [[0, 0], [3, 4], [12, 24], [19, 10], [5, 12]] as const) {
    const at = 3 * ((y + crop.top) * width + x + crop.left);
    const pixel = picture.data.subarray(3 * (y * 25 + x), 3 * (y * 25 + x) + 3);
    assertEquals([...pixel], [...example().picture.data.subarray(at, at + 3)]);
  }
});

Deno.test("cropped() drops an object whose box is there and none of its pixels", () => {
  const original = example();
  const masks = original.targets.masks.map((mask) =>
    mask.map((value, p) => p % width < 20 ? value : 0)
  );
  const targets = { ...original.targets, masks };
  assertEquals([
    ...cropped({ ...original, targets }, { left: 20, top: 0, height, width: 40 }).targets.labels,
  ], []);
});

const plan: DetectionAugmentation = {
  flip: 0.5,
  shortSides: [32, 48, 64],
  longSide: 84,
  crop: { probability: 0.5, shortSides: [60, 70], sides: [30, 50] },
};

Deno.test("augmentPicture() keeps picture, boxes and masks together, and is the same for the same stream", () => {
  const shorter = new Set<number>();
  let [flipped, cut, dropped] = [0, 0, 0];
  for (let i = 0; i < 200; i++) {
    const augmented = augmentPicture(example(), plan, createRng(1).fork(i));
    assertWhole(augmented, 2.01); // pixels: the mask was resized twice
    const { targets } = augmented;
    const [small, large] = [targets.height, targets.width].sort((a, b) => a - b);
    assertTrue(large! <= 84, `a side of ${large}`);
    shorter.add(small!);
    const ratio = targets.width / targets.height;
    if (Math.abs(ratio - 1.5) > 0.05) cut++;
    if (targets.labels.length < 3) dropped++;
    const first = targets.labels.indexOf(3);
    const second = targets.labels.indexOf(1);
    if (first >= 0 && second >= 0 && targets.boxes[4 * first]! > targets.boxes[4 * second]!) {
      flipped++;
    }
    if (i < 3) assertEquals(augmentPicture(example(), plan, createRng(1).fork(i)), augmented);
  }
  assertTrue(cut > 60 && cut < 110, `${cut} of 200 cropped`);
  assertTrue(dropped > 10, `${dropped} lost an object`);
  assertTrue(flipped > 50 && flipped < 120, `${flipped} of 200 mirrored`);
  for (const side of [32, 48]) assertTrue(shorter.has(side), `no short side of ${side}`);
});

Deno.test("augmentPicture() without a crop only resizes, to the sides of the list", () => {
  const sizes = new Set(
    Array.from({ length: 60 }, (_, i) => {
      const options = { ...plan, flip: 0, crop: null, shortSides: [20, 40, 50] };
      const { targets } = augmentPicture(example(), options, createRng(2).fork(i));
      assertEquals(boxCount(targets.boxes), 3);
      return `${targets.width} × ${targets.height}`;
    }),
  );
  assertEquals([...sizes].sort(), ["30 × 20", "60 × 40", "75 × 50"]);
});

Deno.test("batchPictures() pads to the largest and to 32, with zeros, and normalises the rest", () => {
  const stats = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 0.125] } as const;
  const tall = raster(5, 40, 3, Uint8Array.from({ length: 5 * 40 * 3 }, (_, i) => i % 256));
  const grey = raster(33, 2, 1, Uint8Array.from({ length: 66 }, (_, i) => 200 - i));
  const { values, height, width } = batchPictures([tall, grey], stats);
  assertEquals([height, width, values.length], [64, 64, 2 * 64 * 64 * 3]);
  const expected = Array.from(values, (_, at) => {
    const [c, x, y, b] = [
      at % 3,
      Math.floor(at / 3) % 64,
      Math.floor(at / 192) % 64,
      Math.floor(at / (192 * 64)),
    ];
    const of = [tall, grey][b]!;
    if (x >= of.width || y >= of.height) return 0;
    const byte = of.data[(y * of.width + x) * of.channels + (of.channels === 3 ? c : 0)]!;
    return (byte / 255 - stats.mean[c]!) / stats.std[c]!;
  });
  assertClose(values, expected, 1e-6);
  assertThrows(() => batchPictures([], stats), RangeError, "no picture");
});
