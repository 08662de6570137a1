import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { imageNetStats, normalize, normalizeTable, raster } from "lib/augment/mod.ts";
import { imageAt, type ImageSet } from "lib/datasets/pictures/images.ts";
import { openLabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import {
  augmentedSource,
  cachedSource,
  partOf,
  probeCropScale,
} from "lib/eval/probe/probe_sources.ts";
import type { ProbeSource } from "lib/eval/probe/probe_steps.ts";
import { trainLinearProbe } from "lib/eval/probe/train_linear_probe.ts";
import { randomCrop } from "lib/eval/supervised/random_crop.ts";
import { probeFeatures } from "lib/eval/features/probe_features.ts";
import { createModel, vitConfig } from "lib/models/mod.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { drain } from "lib/testing/steps.ts";

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
const options = { stats: imageNetStats, size, scale: probeCropScale, rng: createRng(5) };
const cropOf = (set: ImageSet, index: number, rng: Rng) => {
  const image = raster(size, size, 3, imageAt(set, index).pixels);
  return randomCrop(image, { size, scale: [0.08, 1] }, rng);
};

Deno.test("cachedSource() gathers rows in the order asked for, with their labels", async () => {
  const source = cachedSource({
    features: Float32Array.of(1, 2, 3, 4, 5, 6),
    labels: Int32Array.of(7, 8, 9),
  });
  assertEquals(source.dim, 2);
  const { features, labels } = await source.batch(Uint32Array.of(2, 0, 2), 3);
  assertEquals([...features.dataSync()], [5, 6, 1, 2, 5, 6]);
  assertEquals([...labels], [9, 7, 9]);
});

Deno.test("partOf() has the labels and features of the images it is of", async () => {
  const whole = cachedSource({
    features: Float32Array.of(1, 2, 3, 4, 5, 6),
    labels: Int32Array.of(7, 8, 9),
  });
  const part = partOf(whole, Uint32Array.of(2, 0));
  assertEquals([part.dim, ...part.labels], [2, 9, 7]);
  const { features, labels } = await part.batch(Uint32Array.of(1, 0), 0);
  assertEquals([...features.dataSync()], [1, 2, 5, 6]);
  assertEquals([...labels], [7, 9]);
});

Deno.test("augmentedSource() gives the features of its crops, other ones in every epoch", async () => {
  using crops = openLabelledCrops(images, options);
  const source = await augmentedSource(model, crops);
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
  const { features: actual, labels } = await source.batch(indices, epoch);
  assertEquals([...labels, ...source.labels], [1, 1, 0, 1, 2, 0, 1, 2]);
  assertEquals(actual.shape, [2, source.dim]);
  assertClose(actual, probeFeatures(model, tf.tensor4d(pixels, [2, size, size, 3])));
  const before = tf.memory().numTensors;
  const [again, later] = [await source.batch(indices, epoch), await source.batch(indices, 4)];
  assertEquals([...again.features.dataSync()], [...actual.dataSync()]);
  const apart = later.features.sub(actual).abs().max().dataSync()[0]!;
  assertTrue(apart > 1e-3, `epochs differ by ${apart}`);
  tf.dispose([again.features, later.features]);
  assertEquals(tf.memory().numTensors, before + 3); // the difference and its parts
});

Deno.test("trainLinearProbe() asks its source for each image once an epoch, and for the epoch's own crops", async () => {
  const labels = Int32Array.from({ length: 20 }, (_, i) => i % 3);
  const cached = cachedSource({ features: new Float32Array(60).fill(0.5), labels });
  const wanted = new Map<number, number[]>();
  const source: ProbeSource = {
    ...cached,
    batch: (indices, epoch) => {
      wanted.set(epoch, [...wanted.get(epoch) ?? [], ...indices]);
      return cached.batch(indices, epoch);
    },
  };
  const options = { numClasses: 3, lrs: [0.1], epochs: 3, batchSize: 8 };
  const { numTensors } = tf.memory();
  await drain(trainLinearProbe(source, cached, options, createRng(1)));
  assertEquals([...wanted.keys()], [0, 1, 2]);
  const all = Array.from({ length: 20 }, (_, i) => i);
  for (const indices of wanted.values()) {
    assertEquals(indices.toSorted((a, b) => a - b), all);
  }
  assertTrue(`${wanted.get(0)}` !== `${wanted.get(1)}`, "a new order in every epoch");
  assertEquals(tf.memory().numTensors, numTensors);
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
