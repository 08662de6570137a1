import * as tf from "lib/tf.ts";
import { imageNetStats } from "lib/augment/mod.ts";
import { imageBatch } from "lib/eval/features/features.ts";
import { armKernels } from "lib/experiments/explain/arm_kernels.ts";
import { imageFeatures } from "lib/experiments/explain/image_features.ts";
import { patchMaps } from "lib/experiments/explain/patch_maps.ts";
import { createModel, resNetConfig, vitConfig } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { formula } from "lib/testing/formula.ts";
import { assertClose, assertEquals, assertRejects } from "lib/testing/assert.ts";

const resNet = { ...resNetConfig(50), depths: [1, 2, 1, 1], dims: [4, 4, 4, 4] } as const;
const viT = {
  ...vitConfig("nano", { patchSize: 16, imageSize: 64 }),
  ...{ embedDim: 8, depth: 2, numHeads: 2 },
};
/** Two images of 64 × 64 pixels. */
const images = {
  name: "two",
  width: 64,
  height: 64,
  pixels: Uint8Array.from(formula("pixels", 2 * 64 * 64 * 3, 128, 127)),
  labels: Int32Array.of(0, 1),
  classNames: ["a", "b"],
  ids: ["0", "1"],
};

Deno.test("patchMaps() reads the last map, whose mean a ResNet's features are, and finer ones", async () => {
  using model = createModel(resNet, createRng(0));
  const before = tf.memory().numTensors;
  const networks = [{ name: "net", model }];
  const [last] = await patchMaps(networks, images);
  const { channels, height, width, values } = last!.features;
  assertEquals([last!.layer, last!.features.images, height, width], ["last map", 2, 2, 2]);
  const [pooled] = await imageFeatures(networks, images);
  assertEquals(pooled!.dim, channels);
  const means = Array.from({ length: 2 * channels }, (_, i) => {
    const [image, c] = [Math.floor(i / channels), i % channels];
    return [0, 1, 2, 3].reduce((sum, p) => sum + values[(image * 4 + p) * channels + c]! / 4, 0);
  });
  assertClose(pooled!.values, means);
  const [deep] = await patchMaps(networks, images, { layer: "deep" });
  assertEquals([deep!.layer, deep!.features.height], ["layer2.1", 8]); // two blocks, 8 × 8
  const [named] = await patchMaps([{ ...networks[0]!, layers: ["layer1.0"] }], images);
  assertEquals([named!.layer, named!.features.height], ["layer1.0", 16]);
  assertEquals(tf.memory().numTensors, before);
  await assertRejects(
    () => patchMaps(networks, { ...images, labels: new Int32Array() }),
    RangeError,
    "there is no image",
  );
});

Deno.test("patchMaps() of a ViT are its patch tokens in rows, without the class token", async () => {
  using model = createModel(viT, createRng(0));
  const [last] = await patchMaps([{ name: "net", model }], images);
  const { height, width, channels, values } = last!.features;
  assertEquals([height, width, channels], [4, 4, 8]);
  const x = imageBatch(images, 0, 2, imageNetStats);
  const tokens = tf.tidy(() => model.forward(x, { training: false, tokens: true }).tokens!);
  assertEquals(tokens.shape, [2, 16, 8]);
  assertClose(values, tokens);
  tf.dispose([x, tokens]);
});

Deno.test("imageFeatures() of pixels are the pixels", async () => {
  const [pixels] = await imageFeatures(["pixels"], images);
  assertEquals([pixels!.name, pixels!.dim], ["pixels", 64 * 64 * 3]);
  assertClose(pixels!.values, Float32Array.from(images.pixels, (value) => value / 255));
});

Deno.test("armKernels() refuses an arm without a kernel size", async () => {
  const none = () => armKernels([{ arch: "vit" }], { scale: "smoke", seeds: [0] });
  await assertRejects(none, RangeError, "ViT: it has no kernel size");
});
