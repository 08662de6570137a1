import sharp from "sharp";
import type { ImageSet, PatchMap } from "lib/experiments/mod.ts";
import { growthFrames, type GrowthSheet } from "lib/report/sheets/growth_frames.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

const side = 8;
const images: ImageSet = {
  name: "grey",
  width: side,
  height: side,
  pixels: new Uint8Array(side * side * 3).fill(100),
  labels: Int32Array.of(0),
  classNames: ["any"],
  ids: ["0"],
};

/** A map of 4 × 4 whose right half differs from its left one. */
function mapOf(name: string): PatchMap {
  const values = Float32Array.from({ length: 16 * 3 }, (_, i) => {
    const [patch, channel] = [Math.floor(i / 3), i % 3];
    return patch % 4 < 2 ? [1, 0, 0.1 * patch][channel]! : [0, 1, 0.1 * patch][channel]!;
  });
  return {
    name,
    layer: "stages.1.2",
    features: { images: 1, height: 4, width: 4, channels: 3, values },
  };
}

/** Heat in the upper half. */
const heat = {
  height: side,
  width: side,
  values: Float32Array.from({ length: side * side }, (_, i) => i < side * side / 2 ? 1 : 0),
};
const names = ["epoch 0", "epoch 20"];
const sheet: GrowthSheet = {
  images,
  maps: names.map(mapOf),
  rows: names.map((name) => ({ name, layers: ["stages.1.2"], eigenCam: [heat] })),
};

Deno.test("growthFrames() has for each moment the picture, its patches and its heat below each other", async () => {
  const frames = await growthFrames(sheet, { image: 0, y: 0.5, x: 0.9 });
  assertEquals(frames.map(({ at }) => at), names);
  const { data, info } = await sharp(frames[0]!.picture as Uint8Array).removeAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  const left = info.width - 10 - 96; // of the only column
  const at = (row: number, y: number, x: number) => {
    const place = (10 + 32 + row * 116 + Math.round(96 * y)) * info.width + left +
      Math.round(96 * x);
    return [...data.subarray(3 * place, 3 * place + 3)];
  };
  assertEquals(at(0, 0.5, 0.1), [100, 100, 100]);
  // the framed patch is at the right: red there, blue where patches are the opposite
  const [like, unlike] = [at(2, 0.1, 0.9), at(2, 0.6, 0.1)];
  assertEquals([like[0]! > like[2]!, unlike[0]! < unlike[2]!], [true, true]);
  const [hot, cold] = [at(3, 0.2, 0.5), at(3, 0.8, 0.5)];
  assertEquals(hot[0]! > 1.5 * cold[0]!, true, `${hot} above, ${cold} below`);
  assertEquals(at(1, 0.5, 0.3).join() === at(1, 0.5, 0.7).join(), false, "two colours");
});

Deno.test("growthFrames() refuses rows without maps, and a place outside", async () => {
  const place = { image: 0, y: 0, x: 0 };
  const fewer = { ...sheet, maps: sheet.maps.slice(1) };
  await assertRejects(() => growthFrames(fewer, place), RangeError, "2 moments with 1 maps");
  await assertRejects(() => growthFrames(sheet, { ...place, y: 1 }), RangeError, "y 1");
});
