/** The metrics compared with values calculated by hand, on known predictions. */
import * as tf from "lib/tf.ts";
import { createModel, resNetConfig } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import {
  imageNetAClasses,
  imageNetRClasses,
  imageNetWnids,
} from "lib/datasets/imagenet/imagenet_classes.ts";
import { centerCrops } from "lib/datasets/pictures/center_crops.ts";
import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";
import { openImageNetC } from "lib/datasets/imagenet/imagenet_variants.ts";
import { selectStored } from "lib/datasets/pictures/stored_images.ts";
import {
  alexNetErrors,
  type Classifier,
  corruptedBatches,
  corruptedImages,
  type CorruptionErrors,
  corruptionErrors,
  type CorruptionName,
  corruptionNames,
  corruptionSheet,
  emojiSuite,
  extraCorruptionNames,
  hardExamples,
  imageNetCBatches,
  isNearChance,
  largestClassShare,
  meanCorruptionError,
  meanErrors,
  networkClassifier,
  severities,
  shiftedAccuracy,
} from "lib/robustness/mod.ts";
import { loadEmoji } from "lib/datasets/emoji/emoji.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";

const pictures = [await jpeg(0, 16, 16), await jpeg(1, 16, 16)];

/** Images of one pixel whose first value is their number. */
function images(
  labels: readonly number[],
  classNames: readonly string[] = imageNetWnids,
): ImageSet {
  return checkImageSet({
    name: "known",
    height: 1,
    width: 1,
    pixels: Uint8Array.from({ length: labels.length * 3 }, (_, i) => i % 3 === 0 ? i / 3 : 0),
    labels: Int32Array.from(labels),
    classNames,
    ids: labels.map((_, i) => `image ${i}`),
  });
}

/** A classifier with given scores by image number; other classes score 0. */
function known(scores: readonly Readonly<Record<number, number>>[], classes = 1000): Classifier {
  return ({ pixels, labels }) => {
    const out = new Float32Array(labels.length * classes);
    labels.forEach((_, row) => {
      for (const [c, score] of Object.entries(scores[pixels[row * 3]!]!)) {
        out[row * classes + Number(c)] = score;
      }
    });
    return out;
  };
}

for (
  const [name, among] of [["ImageNet-A", imageNetAClasses], [
    "ImageNet-R",
    imageNetRClasses,
  ]] as const
) {
  Deno.test(`shiftedAccuracy() of ${name}: 2 of 5 right among 1,000 classes, 3 of 5 among its 200`, async () => {
    const outside = imageNetWnids.findIndex((_, index) => !among.includes(index));
    const [a, b, c] = among as unknown as [number, number, number];
    const classify = known([
      { [a]: 2, [outside]: 1 }, // right both ways
      { [b]: 3, [c]: 1, [outside]: -5 }, // right both ways
      { [b]: 2, [outside]: 4 }, // right among the 200 only
      { [a]: 9, [b]: 1, [outside]: 1 }, // wrong both ways
      { [b]: 1, [c]: 1 }, // a tie: the first class wins
    ]);
    const labels = [a, b, b, b, c];
    const first = images(labels.slice(0, 2));
    const rest = { ...images(labels), pixels: images(labels).pixels };
    const second = {
      ...rest,
      labels: rest.labels.subarray(2),
      ids: rest.ids.slice(2),
      pixels: rest.pixels.subarray(6),
    };
    const seen: number[] = [];
    const onProgress = (count: number) => void seen.push(count);
    const result = await shiftedAccuracy([first, second], classify, { among, onProgress });
    const set = { images: 5, classes: 1000, largest: 0.6 }; // three of the five labels are one
    assertEquals(result, { ...set, all: 0.4, among: 0.6 });
    assertEquals(seen, [2, 5]);
    const all = await shiftedAccuracy([first, second], classify); // as for ImageNet-Sketch
    assertEquals(all, { ...set, all: 0.4, among: 0.4 });
    const stranger = images([outside]);
    await assertRejects(
      () => shiftedAccuracy([stranger], classify, { among }),
      RangeError,
      `its class ${outside} is not among the 200 candidates`,
    );
  });
}

Deno.test("shiftedAccuracy() refuses unlabelled images, no images, and scores that do not fit", async () => {
  const classify = known([{ 1: 1 }, { 1: 1 }]);
  await assertRejects(() => shiftedAccuracy([images([-1])], classify), RangeError, "class -1");
  await assertRejects(() => shiftedAccuracy([], classify), RangeError, "there is no image");
  const odd: Classifier = () => new Float32Array(3);
  await assertRejects(
    () => shiftedAccuracy([images([0, 1])], odd),
    TypeError,
    "3 scores of 2 images",
  );
});

Deno.test("shiftedAccuracy() counts a score that is not a number as wrong", async () => {
  const classify = known([{ 0: NaN, 1: -1 }, { 0: NaN, 1: NaN }], 2);
  const classNames = ["a", "b"];
  assertEquals((await shiftedAccuracy([images([0, 1], classNames)], classify)).all, 0);
  assertEquals((await shiftedAccuracy([images([1, 1], classNames)], classify)).all, 0.5);
});

Deno.test("largestClassShare() is the share of the class with most images", () => {
  assertClose(largestClassShare({ labels: Int32Array.of(3, 1, 3, 0, 2, 3) }), 0.5);
  assertThrows(() => largestClassShare({ labels: new Int32Array(0) }), RangeError, "no image");
});

Deno.test("isNearChance() is within two errors of counting above the largest class, mean over seeds", () => {
  const near = (...all: number[]) =>
    isNearChance(all.map((own) => ({ images: 100, largest: 0.1, all: own }))); // error 0.03
  assertEquals([near(0.15), near(0.17), near(0.13, 0.2), near(0.13, 0.18)], [
    true,
    false,
    false,
    true,
  ]);
  const many = { images: 10_000, largest: 0.1 };
  assertEquals(isNearChance([{ ...many, all: 0.11 }]), false);
  assertThrows(() => isNearChance([]), RangeError, "no accuracy");
});

/** Errors of 0.1 · s in the first corruption, 0.2 in the second, AlexNet's own in the others. */
const errors: CorruptionErrors = {
  ...Object.fromEntries(
    Object.entries(alexNetErrors).map(([name, error]) => [name, Array(5).fill(error)]),
  ),
  gaussian_noise: [0.1, 0.2, 0.3, 0.4, 0.5],
  shot_noise: Array(5).fill(0.2),
};

Deno.test("meanCorruptionError() equals the formula by hand, AlexNet's own is 1", () => {
  const { mce, relative, meanError } = meanCorruptionError(errors, alexNetErrors);
  assertClose(relative.gaussian_noise, 1.5 / (5 * 0.886428));
  assertClose(relative.shot_noise, 1 / (5 * 0.894468));
  assertClose(relative.fog, 1);
  assertClose(mce, (13 + 0.3 / 0.886428 + 0.2 / 0.894468) / 15);
  const alexNet = Object.values(alexNetErrors).reduce((sum, error) => sum + error, 0);
  assertClose(alexNet / 15, 0.78899, 1e-5); // as printed
  assertClose(meanError, (alexNet - 0.886428 - 0.894468 + 0.3 + 0.2) / 15);
});

Deno.test("meanCorruptionError() takes another network as baseline, and leaves the extra four out", () => {
  const baseline = meanErrors(errors);
  const withExtra = { ...errors, saturate: Array(5).fill(1) };
  assertClose(meanCorruptionError(withExtra, baseline).mce, 1);
  assertClose(meanErrors(withExtra).saturate!, 1);
});

Deno.test("meanCorruptionError() says what is missing or cannot be divided by", () => {
  const fails = (own: CorruptionErrors, base: typeof alexNetErrors, text: string) =>
    assertThrows(() => meanCorruptionError(own, base), RangeError, text);
  const { fog: _, ...noFog } = errors;
  fails(noFog, alexNetErrors, "the network has no fog");
  const { snow: __, ...noSnow } = alexNetErrors;
  fails(errors, noSnow as typeof alexNetErrors, "the baseline has no snow");
  fails(errors, { ...alexNetErrors, frost: 0 }, "baseline's error in frost, which is 0");
  fails({ ...errors, fog: [0.1, 0.2] }, alexNetErrors, "errors of fog: need five fractions");
  fails({ ...errors, fog: [1, 1, 1, 1, 40] }, alexNetErrors, "errors of fog: need five fractions");
});

Deno.test("corruptionErrors() asks for each corruption and severity, and counts what is wrong", async () => {
  const asked: string[] = [];
  const batches = (name: CorruptionName, severity: number) => {
    asked.push(`${name} ${severity}`);
    return [images([0, 1, 2, 3].map((_, i) => i < severity ? 5 : 0))]; // image i is of class 5 or 0
  };
  const classify = known([0, 1, 2, 3].map(() => ({ 5: 1 })));
  const found = await corruptionErrors(batches, classify, { names: ["fog", "saturate"] });
  assertEquals(found, { fog: [0.75, 0.5, 0.25, 0, 0], saturate: [0.75, 0.5, 0.25, 0, 0] });
  assertEquals(asked.length, 10);
  asked.length = 0;
  await corruptionErrors(batches, classify);
  assertEquals(asked, corruptionNames.flatMap((name) => severities.map((s) => `${name} ${s}`)));
});

Deno.test("hardExamples() are missed, with 15 % at most for their class", async () => {
  const p = (label: number, other: number) => ({ 0: Math.log(label), 1: Math.log(other), 2: -99 });
  const classify = known([p(0.6, 0.4), p(0.4, 0.6), p(0.16, 0.84), p(0.14, 0.86)], 3);
  const candidates = images([0, 0, 0, 0], ["a", "b", "c"]);
  const hard = await hardExamples(candidates, classify);
  assertEquals([hard.ids, hard.name], [["image 3"], "known, hard"]);
  const more = await hardExamples(candidates, classify, { mostLikely: 0.2 });
  assertEquals(more.ids, ["image 2", "image 3"]);
  const never = () => hardExamples(candidates, known([{ 0: 9 }, { 0: 9 }, { 0: 9 }, { 0: 9 }], 3));
  await assertRejects(never, RangeError, "misses none by a margin");
  await assertRejects(() => hardExamples(images([7]), classify), RangeError, "image 0 is 7");
});

Deno.test("corruptedImages() corrupts an image alike in whatever set it comes", async () => {
  const { test } = await loadEmoji({ size: 32, labels: "identity", identityCount: 3 });
  const options = { name: "gaussian_noise", severity: 2 } as const;
  const all = await corruptedImages(test, options);
  const size = 32 * 32 * 3;
  const last = {
    ...test,
    labels: test.labels.subarray(2),
    ids: test.ids.slice(2),
    pixels: test.pixels.subarray(2 * size),
  };
  const alone = await corruptedImages(last, options);
  assertEquals(alone.pixels, all.pixels.slice(2 * size));
  const other = await corruptedImages(last, { ...options, seed: 1 });
  assertTrue(other.pixels.some((value, i) => value !== alone.pixels[i]), "another seed");
  assertEquals(all.name, `${test.name}, gaussian_noise 2`);
});

Deno.test("corruptedBatches() and imageNetCBatches() give pictures in files, ours corrupted, ImageNet-C's as they are", () =>
  inTempFolder(async (folder) => {
    for (const [i, wnid] of imageNetWnids.entries()) {
      Deno.mkdirSync(`${folder}/snow/2/${wnid}`, { recursive: true });
      Deno.writeFileSync(`${folder}/snow/2/${wnid}/0.JPEG`, pictures[i % 2]!);
    }
    const seen: ImageSet[] = [];
    const options = { size: 16, batchSize: 600 };
    for await (const batch of imageNetCBatches(folder, options)("snow", 2)) seen.push(batch);
    assertEquals(seen.map(({ labels }) => labels.length), [600, 400]);
    assertEquals(seen[1]!.labels[399], 999);
    const second = new Uint8Array((await decodePicture(pictures[1]!)).data);
    assertEquals(seen[0]!.pixels.slice(16 * 16 * 3, 2 * 16 * 16 * 3), second);
    const missing = Array.fromAsync(imageNetCBatches(folder, options)("fog", 2));
    await assertRejects(() => missing, Error, "unpack weather.tar");
    const source = selectStored(await openImageNetC(folder, "snow", 2), [4, 7]);
    const [ours] = await Array.fromAsync(corruptedBatches(source, options)("contrast", 5));
    const [plain] = await Array.fromAsync(centerCrops(source, options));
    const expected = await corruptedImages(plain!, { name: "contrast", severity: 5 });
    assertEquals(ours, expected);
  }));

Deno.test("emojiSuite() shifts as ImageNet's sets do, and all of it can be measured", async () => {
  const sets = await loadEmoji({ size: 32, labels: "identity", identityCount: 12 });
  const blind: Classifier = ({ labels }) =>
    // it sees class 3 in everything
    Float32Array.from({ length: labels.length * 12 }, (_, i) => i % 12 === 3 ? 5 : 0);
  const suite = emojiSuite(sets);
  const hard = await suite.adversarial(blind);
  assertEquals(hard.ids, sets.test.ids.filter((_, i) => sets.test.labels[i] !== 3));
  assertEquals([suite.rendition, suite.sketch], [sets.heldOut, sets.monochrome]);
  const names = extraCorruptionNames.slice(2);
  const errors = await corruptionErrors(suite.corrupted, blind, { names });
  assertClose(errors.saturate!, Array(5).fill(11 / 12));
  assertEquals((await shiftedAccuracy([hard], blind)).all, 0);
});

/** Each pixel becomes a square of `factor` pixels a side. Drawing emoji that large would first fill a cache for half a minute. */
function enlarged(set: ImageSet, factor: number): ImageSet {
  const [height, width] = [set.height * factor, set.width * factor];
  const pixels = new Uint8Array(set.labels.length * height * width * 3);
  for (let i = 0; i < pixels.length; i++) {
    const [channel, x] = [i % 3, Math.floor(i / 3) % width];
    const row = Math.floor(i / 3 / width); // of all images: the rows of an image stand together
    const from = Math.floor(row / factor) * set.width + Math.floor(x / factor);
    pixels[i] = set.pixels[3 * from + channel]!;
  }
  const { masks: _, ...others } = set;
  return checkImageSet({ ...others, height, width, pixels });
}

Deno.test("emojiSuite() corrupts once, with the severities for the size of the emoji", async () => {
  const sets = await loadEmoji({ size: 32, labels: "identity", identityCount: 2, trainCount: 1 });
  for (
    const [factor, series] of [[1, "CIFAR-10-C"], [2, "Tiny-ImageNet-C"], [
      4,
      "ImageNet-C",
    ]] as const
  ) {
    const test = enlarged(sets.test, factor);
    const { corrupted } = emojiSuite({ ...sets, test });
    const [first] = await Array.fromAsync(corrupted("contrast", 4));
    const how = { name: "contrast", severity: 4, series } as const;
    assertEquals(first!.pixels, (await corruptedImages(test, how)).pixels);
    const [again] = await Array.fromAsync(corrupted("contrast", 4));
    assertTrue(again === first, "kept");
  }
});

Deno.test("corruptionSheet() has a row as it is, then one for each severity, a column for each corruption", async () => {
  const { test } = await loadEmoji({ size: 32, labels: "identity", identityCount: 2 });
  const { pixels, labels } = await corruptionSheet(test, ["snow", "contrast"], "CIFAR-10-C");
  const size = 32 * 32 * 3;
  const at = (row: number, column: number) =>
    pixels.slice((2 * row + column) * size, (2 * row + column + 1) * size);
  assertEquals(labels.length, 6 * 2);
  assertEquals([at(0, 0), at(0, 1)], [test.pixels.slice(0, size), test.pixels.slice(0, size)]);
  const how = { name: "contrast", severity: 5, series: "CIFAR-10-C" } as const;
  assertEquals(at(5, 1), (await corruptedImages(test, how)).pixels.slice(0, size));
});

Deno.test("networkClassifier() gives the logits of images as the network was trained to see them", async () => {
  const network = createModel(resNetConfig(18), createRng(0), { numClasses: 3 });
  const { test } = await loadEmoji({ size: 32, labels: "identity", identityCount: 3 });
  const stats = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 0.4] } as const;
  const logits = await networkClassifier(network, { stats, batchSize: 2 })(test);
  const expected = tf.tidy(() => {
    const x = tf.tensor4d(Int32Array.from(test.pixels), [test.labels.length, 32, 32, 3], "int32");
    const normal = x.toFloat().div(255).sub(tf.tensor1d([...stats.mean]))
      .div<tf.Tensor4D>(tf.tensor1d([...stats.std]));
    return network.forward(normal, { training: false }).logits!.dataSync();
  });
  assertClose(logits, expected, 1e-4);
  const headless = { forward: () => ({ stages: [], features: tf.zeros<tf.Rank.R2>([1, 2]) }) };
  await assertRejects(
    async () => await networkClassifier(headless)(test),
    TypeError,
    "no classifier",
  );
});
