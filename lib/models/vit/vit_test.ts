import * as tf from "lib/tf.ts";
import { constantRng, createRng } from "lib/rng.ts";
import {
  createModel,
  intermediates,
  mocoV3ViTConfig,
  totalCost,
  vitConfig,
} from "lib/models/mod.ts";
import { interpolatePositions, sinCosPositions } from "lib/models/vit/position_table.ts";
import type { ViTConfig } from "lib/models/vit/vit.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { fillByFormula } from "lib/testing/formula.ts";

const tiny: ViTConfig = {
  arch: "vit",
  embedDim: 12,
  depth: 2,
  numHeads: 3,
  patchSize: 4,
  imageSize: 16,
  norm: "layer",
  dropPathRate: 0,
};
const images = (count: number, height: number, width = height) =>
  tf.randomNormal([count, height, width, 3], 0, 1, "float32", 1) as tf.Tensor4D;

Deno.test("ViT has the published numbers of parameters and multiply-adds", () => {
  const cost = (config: ViTConfig, numClasses = 0) =>
    withShapesOnly(() => {
      using model = createModel(config, constantRng(), { numClasses });
      return totalCost(model, config.imageSize);
    });
  const small = cost(vitConfig("small"));
  assertEquals(small.parameters, 21_665_664); // DINO's 21 M, without a head
  assertEquals((small.multiplyAdds / 1e9).toFixed(1), "4.6"); // DeiT-S, Touvron et al. 2021
  assertEquals(cost(vitConfig("base"), 1000).parameters, 86_567_656);
  assertEquals(cost(vitConfig("small", { patchSize: 8 })).parameters, 21_670_272);
  assertEquals((cost(vitConfig("nano")).parameters / 1e6).toFixed(1), "0.7");
});

Deno.test("vit() gives the last block's patches, and the class token after the norm", () => {
  const model = createModel(tiny, createRng(0));
  const { stages, features } = model.forward(images(3, 18, 27), { training: true });
  assertEquals(stages.map((stage) => stage.shape), [[3, 4, 6, 12]]); // what fills no patch is dropped
  assertEquals(features.shape, [3, 12]);
  const { mean, variance } = tf.moments(features, 1);
  assertClose(variance, [1, 1, 1], 1e-2); // the last LayerNorm, less its eps
  assertTrue(mean.abs().max().dataSync()[0]! < 1e-5, "centred");
});

Deno.test("weights have the official names and shapes", () => {
  const { params } = createModel({ ...tiny, norm: "batch" }, createRng(0), { numClasses: 5 });
  const shapes = new Map([...namedVariables(params)].map(([name, { shape }]) => [name, shape]));
  assertEquals(shapes.get("cls_token"), [1, 1, 12]);
  assertEquals(shapes.get("pos_embed"), [1, 17, 12]);
  for (
    const name of [
      "patch_embed.proj.weight",
      "patch_embed.proj.bias",
      "blocks.1.norm1.weight",
      "blocks.1.attn.qkv.weight",
      "blocks.1.attn.qkv.bias",
      "blocks.1.attn.proj.bias",
      "blocks.1.norm2.running_mean",
      "blocks.1.mlp.fc1.weight",
      "blocks.1.mlp.fc2.bias",
      "norm.running_var",
      "head.weight",
    ]
  ) assertTrue(shapes.has(name), `${name} in ${[...shapes.keys()].join(", ")}`);
  assertTrue(
    !shapes.has("blocks.1.norm1.running_mean"),
    "ViT-BN keeps the LayerNorm before attention",
  );
});

Deno.test("first weights are the reference's, by their moments", () => {
  const weights = namedVariables(createModel(vitConfig("nano"), createRng(0)).params);
  const std = (name: string) => Math.sqrt(tf.moments(weights.get(name)!).variance.dataSync()[0]!);
  const max = (name: string) => weights.get(name)!.abs().max().dataSync()[0]!;
  for (
    const name of ["pos_embed", "cls_token", "blocks.3.attn.qkv.weight", "blocks.5.mlp.fc2.weight"]
  ) {
    assertClose(std(name), 0.02, name === "cls_token" ? 0.2 : 0.03);
  }
  const bound = 1 / Math.sqrt(3 * 4 * 4); // kaiming_uniform_(a = √5): uniform, to the edge, and no further
  for (const name of ["patch_embed.proj.weight", "patch_embed.proj.bias"]) {
    assertClose(std(name), bound / Math.sqrt(3), 0.15);
    assertTrue(max(name) <= bound && max(name) > 0.95 * bound, `${name} ends at ${max(name)}`);
  }
  for (const name of ["blocks.0.attn.qkv.bias", "blocks.0.mlp.fc1.bias", "norm.bias"]) {
    assertEquals(max(name), 0);
  }
});

for (const norm of ["layer", "batch"] as const) {
  Deno.test(`every weight has a gradient, with ${norm} norm`, () => {
    const model = createModel({ ...tiny, norm }, createRng(0));
    const weights = parameters(model.params);
    fillByFormula(model.params);
    const run = () =>
      model.forward(images(4, 24), { training: true }).features.pow(3).sum() as tf.Scalar;
    const { grads } = tf.variableGrads(run, [...weights.values()]);
    for (const [name, { name: key }] of weights) {
      const beforeBatchNorm = norm === "batch" &&
        /^blocks\.1\.(attn\.proj|mlp\.fc2)\.bias$/.test(name);
      if (beforeBatchNorm) continue; // it shifts what the BatchNorm centres
      assertTrue(grads[key]!.abs().max().dataSync()[0]! > 1e-4, `${name} has no gradient`);
    }
  });
}

Deno.test("createViT() is a function of the stream, and starts two blocks differently", () => {
  const weight = (seed: number, block: number) =>
    namedVariables(createModel(tiny, createRng(seed)).params)
      .get(`blocks.${block}.attn.qkv.weight`)!.dataSync();
  assertEquals(weight(1, 0), weight(1, 0));
  assertTrue(weight(1, 0)[0] !== weight(1, 1)[0], "two blocks");
  assertTrue(weight(1, 0)[0] !== weight(2, 0)[0], "two seeds");
});

Deno.test("stochastic depth drops either branch, in training only, and follows its stream", () => {
  const model = createModel({ ...tiny, dropPathRate: 0.5 }, createRng(0));
  const run = (training: boolean, seed: number) =>
    model.forward(images(8, 16), { training, rng: createRng(seed) }).features.dataSync();
  assertEquals(run(true, 1), run(true, 1));
  assertTrue(run(true, 1).some((value, i) => value !== run(true, 2)[i]), "drops differ");
  assertEquals(run(false, 1), run(false, 2));
  const { intermediates: inner } = intermediates(
    model,
    images(64, 16),
    ["blocks.0", "blocks.1.attn", "blocks.1.mlp", "blocks.1"],
    { training: true, rng: createRng(0) },
  );
  const change = inner["blocks.1"]!.sub(inner["blocks.0"]!);
  const factors = (kept: tf.Tensor) =>
    [...change.sub(kept).abs().max([1, 2]).dataSync()].filter((left) => left < 1e-4).length;
  const [attn, mlp] = [inner["blocks.1.attn"]!.mul(2), inner["blocks.1.mlp"]!.mul(2)]; // 1 / (1 − 0.5)
  for (const kept of [tf.zerosLike(attn), attn, mlp, attn.add(mlp)]) {
    assertTrue(factors(kept) > 4, "of 64 images, each of four outcomes has some 16");
  }
});

Deno.test("interpolatePositions() keeps the class and what is alike everywhere; the 0.1 moves the rest", () => {
  const alike = tf.tensor3d([7, ...Array(36).fill(3)], [1, 37, 1]);
  assertClose(interpolatePositions(alike, 4, 11), [7, ...Array(44).fill(3)]);
  const ramp = tf.tensor3d(Array.from({ length: 37 }, (_, i) => i), [1, 37, 1]);
  const moved = interpolatePositions(ramp, 6, 6).sub(ramp).abs().max().dataSync()[0]!;
  assertTrue(moved > 0.1 && moved < 1, `its own size moves it by ${moved}`);
});

Deno.test("sinCosPositions() has sines and cosines, of the row in the first half, of the column in the second", () => {
  const [side, channels] = [3, 8]; // two frequencies: 1 and 1/100 radians a patch
  const [table] = sinCosPositions(side, channels).arraySync();
  assertEquals(table![0], Array(8).fill(0)); // the class token
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const waves = [row, column].flatMap((place) => [
        ...[Math.sin(place), Math.sin(place / 100)],
        ...[Math.cos(place), Math.cos(place / 100)],
      ]);
      assertClose(table![1 + row * side + column]!, waves, 1e-6);
    }
  }
});

Deno.test("MoCo v3's ViT has fixed positions, and first weights uniform by Xavier's rule", () => {
  const config = mocoV3ViTConfig("nano");
  const { params } = createModel(config, createRng(0));
  const weights = namedVariables(params);
  assertEquals([...weights.keys()], [
    ...namedVariables(createModel(vitConfig("nano"), createRng(0)).params).keys(),
  ]);
  const moving = [...parameters(params).keys()];
  assertEquals([...weights.keys()].filter((name) => !moving.includes(name)), ["pos_embed"]);
  assertClose(weights.get("pos_embed")!, sinCosPositions(8, 96));
  const max = (name: string) => weights.get(name)!.abs().max().dataSync()[0]!;
  for (
    const [name, fans] of [
      ["patch_embed.proj.weight", 3 * 4 * 4 + 96],
      ["blocks.0.attn.qkv.weight", 96 + 96], // each of queries, keys and values is one matrix
      ["blocks.3.attn.proj.weight", 96 + 96],
      ["blocks.5.mlp.fc1.weight", 96 + 384],
      ["blocks.5.mlp.fc2.weight", 384 + 96],
    ] as const
  ) {
    const bound = Math.sqrt(6 / fans);
    assertTrue(max(name) <= bound && max(name) > 0.99 * bound, `${name} ends at ${max(name)}`);
    const { variance } = tf.moments(weights.get(name)!);
    assertClose(variance.sqrt(), bound / Math.sqrt(3), 0.03);
  }
  assertTrue(max("cls_token") < 5e-6 && max("cls_token") > 1e-6, "nearly 0");
  for (const name of ["patch_embed.proj.bias", "blocks.0.attn.qkv.bias", "blocks.2.mlp.fc1.bias"]) {
    assertEquals(max(name), 0);
  }
  disposeTree(params);
});

Deno.test("mocoV3ViTConfig() has twelve heads in ViT-S, and no drop path", () => {
  const [small, base] = [mocoV3ViTConfig("small"), mocoV3ViTConfig("base")];
  assertEquals([small.numHeads, base.numHeads, small.dropPathRate], [12, 12, 0]);
});

Deno.test("intermediates() gives a transformer's tokens by name", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 3 });
  const x = images(2, 16);
  const wanted = ["patch_embed", "blocks.0.norm1", "blocks.1.attn", "blocks.1", "norm", "head"];
  const { stages, features, logits, intermediates: inner } = intermediates(model, x, wanted, {
    training: false,
  });
  assertEquals(inner["patch_embed"]!.shape, [2, 16, 12]);
  assertEquals(inner["blocks.0.norm1"]!.shape, [2, 17, 12]);
  assertEquals(inner["blocks.1.attn"]!.shape, [2, 17, 12]);
  assertClose(inner["blocks.1"]!.slice([0, 1]), stages[0]!);
  assertClose(inner["norm"]!.slice([0, 0], [2, 1]), features);
  assertClose(inner["head"]!, logits!);
});

Deno.test("evaluation does not depend on the batch, with BatchNorm either", () => {
  const model = createModel({ ...tiny, norm: "batch" }, createRng(0));
  const x = images(4, 24);
  model.forward(x, { training: true }); // moves the running statistics away from 0 and 1
  const all = model.forward(x, { training: false }).features;
  const one = model.forward(x.slice([2], [1]), { training: false }).features;
  assertClose(one, all.slice([2], [1]));
});

Deno.test("with normBeforeMlp, a ViT's blocks have a BatchNorm before the perceptron, the end a LayerNorm", () => {
  for (const config of [vitConfig("nano"), mocoV3ViTConfig("nano")]) {
    const model = createModel({ ...config, depth: 2, normBeforeMlp: "bn" }, createRng(0));
    const means = [...namedVariables(model.params).keys()].filter((name) => /_mean$/.test(name));
    assertEquals(means, [0, 1].map((i) => `blocks.${i}.norm2.running_mean`));
    assertEquals(model.weightsForm("timm"), undefined);
    disposeTree(model.params);
  }
});

Deno.test("bad ViT configurations and images throw, and say what is wrong", () => {
  const build = (changes: object) =>
    createModel({ ...tiny, ...changes } as ViTConfig, createRng(0));
  assertThrows(() => build({ numHeads: 5 }), RangeError, "a divisor of embedDim");
  assertThrows(
    () => build({ norm: "group" }),
    RangeError,
    'norm is "group", but must be "layer" or "batch"',
  );
  assertThrows(
    () => build({ embedDim: 6, variant: "mocov3" }),
    RangeError,
    "embedDim is 6, but must be a multiple of 4 for fixed positions",
  );
  assertThrows(() => build({ dim: 12 }), TypeError, `unknown option "dim"`);
  assertThrows(() => vitConfig("giant" as "tiny"), RangeError, "use nano, tiny, small");
  const forward = () => build({}).forward(images(1, 16, 3), { training: false });
  assertThrows(forward, RangeError, "Cannot cut 16×3 pixels into patches of 4 a side");
});

Deno.test("a ViT's forward pass keeps no tensor but its outputs", () => {
  const model = createModel({ ...tiny, dropPathRate: 0.3 }, createRng(0));
  const x = images(2, 24);
  assertNoLeak(() => {
    const { stages, features } = model.forward(x, { training: true, rng: createRng(0) });
    tf.dispose([...stages, features]);
  });
});
