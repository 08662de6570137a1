import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { imageNetStats, normalize, normalizeTable, raster } from "lib/augment/mod.ts";
import { imageAt, type ImageSet } from "lib/datasets/images.ts";
import { augmentedSource, cachedSource, partOf } from "lib/eval/probe_sources.ts";
import { randomCrop } from "lib/eval/random_crop.ts";
import { probeFeatures } from "lib/eval/probe_features.ts";
import { createModel, vitConfig } from "lib/models/mod.ts";
import { assertClose, assertEquals, assertNoLeak, assertTrue } from "lib/testing/assert.ts";

const size = 16;
const rng = createRng(0);
const images: ImageSet = {
  name: "noise",
  height: size,
  width: size,
  pixels: Uint8Array.from({ length: 6 * size * size * 3 }, () => rng.int(256)),
  labels: Int32Array.of(0, 1, 2, 0, 1, 2),
  classNames: ["a", "b", "c"],
  ids: ["0", "1", "2", "3", "4", "5"],
};
const model = createModel(
  { ...vitConfig("nano"), embedDim: 12, depth: 2, imageSize: size },
  createRng(1),
);
const options = { stats: imageNetStats };
const cropOf = (set: ImageSet, index: number, rng: Rng) => {
  const image = raster(size, size, 3, imageAt(set, index).pixels);
  return randomCrop(image, { size, scale: [0.08, 1] }, rng);
};

Deno.test("cachedSource() gathers rows in the order asked for", () => {
  const source = cachedSource({
    features: Float32Array.of(1, 2, 3, 4, 5, 6),
    labels: Int32Array.of(7, 8, 9),
  });
  assertEquals(source.dim, 2);
  assertEquals([...source.batch(Uint32Array.of(2, 0, 2), 3).dataSync()], [5, 6, 1, 2, 5, 6]);
});

Deno.test("partOf() has the labels and features of the images it is of", () => {
  const whole = cachedSource({
    features: Float32Array.of(1, 2, 3, 4, 5, 6),
    labels: Int32Array.of(7, 8, 9),
  });
  const part = partOf(whole, Uint32Array.of(2, 0));
  assertEquals([part.dim, ...part.labels], [2, 9, 7]);
  assertEquals([...part.batch(Uint32Array.of(1, 0), 0).dataSync()], [1, 2, 5, 6]);
});

Deno.test("augmentedSource() gives the features of its crops, other ones in every epoch", () => {
  const source = augmentedSource(model, images, options, createRng(5));
  const [indices, epoch] = [Uint32Array.of(4, 1), 3];
  const pixels = new Float32Array(2 * size * size * 3);
  indices.forEach((index, i) =>
    normalize(
      cropOf(images, index, createRng(5).fork(epoch).fork(index)),
      normalizeTable(imageNetStats),
      pixels,
      i * size * size * 3,
    )
  );
  const actual = source.batch(indices, epoch);
  assertEquals(actual.shape, [2, source.dim]);
  assertClose(actual, probeFeatures(model, tf.tensor4d(pixels, [2, size, size, 3])));
  assertEquals([...source.batch(indices, epoch).dataSync()], [...actual.dataSync()]);
  const later = source.batch(indices, 4).sub(actual).abs().max().dataSync()[0]!;
  assertTrue(later > 1e-3, `epochs differ by ${later}`);
  assertNoLeak(() => source.batch(indices, 0).dispose());
});

Deno.test("randomCrop() flips every second image, and crops within its scale", () => {
  const ramp = { // red grows to the right and green downwards: a crop's corners say what it took
    ...images,
    pixels: Uint8Array.from(
      { length: size * size * 3 },
      (_, i) => [16 * (Math.floor(i / 3) % size), 16 * Math.floor(i / 3 / size), 0][i % 3]!,
    ),
    labels: Int32Array.of(0),
    ids: ["ramp"],
  };
  let [flipped, smallest] = [0, 1];
  for (let i = 0; i < 400; i++) {
    const { data } = cropOf(ramp, 0, createRng(0).fork(i));
    const [left, right] = [data[0]!, data[3 * (size - 1)]!];
    const [top, bottom] = [data[1]!, data[3 * size * (size - 1) + 1]!];
    flipped += Number(left > right);
    smallest = Math.min(smallest, Math.abs(right - left) / 240 * (bottom - top) / 240);
  }
  assertTrue(flipped > 160 && flipped < 240, `${flipped} of 400 are flipped`);
  assertTrue(smallest > 0.02 && smallest < 0.12, `smallest crop is ${smallest} of the image`);
});
