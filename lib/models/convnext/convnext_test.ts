import * as tf from "lib/tf.ts";
import { constantRng, createRng } from "lib/rng.ts";
import { type ConvNeXtConfig } from "lib/models/convnext/convnext.ts";
import timmNames from "lib/models/golden/convnext_timm_names.json" with { type: "json" };
import {
  bcSslConfig,
  convNeXtConfig,
  convNeXtIsotropicConfig,
  createModel,
  intermediates,
  type ModelConfig,
  type Tap,
} from "lib/models/mod.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const tiny: ConvNeXtConfig = {
  arch: "convnext",
  depths: [1, 2],
  dims: [8, 16],
  kernelSize: 5,
  batchNorm: true,
  dwconvBias: false,
  patchSize: 4,
  dropPathRate: 0,
  layerScaleInit: 0.5, // the official 1e-6 would hide a broken branch under any tolerance
};
const images = (count: number, side: number) =>
  tf.randomNormal([count, side, side, 3], 0, 1, "float32", 1) as tf.Tensor4D;
const count = (config: ModelConfig, numClasses = 0) => {
  using model = withShapesOnly(() => createModel(config, constantRng(), { numClasses }));
  return [...parameters(model.params).values()].reduce((sum, w) => sum + w.size, 0);
};

Deno.test("ConvNeXt and BC-SSL have the published numbers of parameters", () => {
  assertEquals(count(convNeXtConfig("tiny"), 1000), 28_589_128);
  const millions = [3, 5, 7, 9, 15].map((kernelSize) =>
    (count(bcSslConfig("tiny", { kernelSize }), 1000) / 1e6).toFixed(2)
  );
  assertEquals(millions, ["28.33", "28.44", "28.60", "28.81", "29.76"]);
  assertEquals(Math.round(count(bcSslConfig("small")) / 1e6), 50); // Table 3
  assertEquals(Math.round(count(convNeXtConfig("base"), 1000) / 1e6), 89);
  assertEquals(Math.round(count(convNeXtIsotropicConfig("small"), 1000) / 1e6), 22);
});

Deno.test("convNeXt() gives every stage's map and unit-variance features", () => {
  const model = createModel(tiny, createRng(0));
  const { stages, features } = model.forward(images(3, 32), { training: true });
  assertEquals(stages.map((stage) => stage.shape), [[3, 8, 8, 8], [3, 4, 4, 16]]);
  assertEquals(features.shape, [3, 16]);
  assertClose(tf.moments(features, 1).variance, [1, 1, 1], 1e-2); // the final LayerNorm, less its eps
});

Deno.test("weights have the official names", () => {
  const names = [...namedVariables(createModel(tiny, createRng(0)).params).keys()];
  for (
    const name of [
      "downsample_layers.0.0.weight",
      "downsample_layers.0.1.bias",
      "downsample_layers.1.0.weight",
      "downsample_layers.1.1.weight",
      "stages.1.1.dwconv.weight",
      "stages.1.1.bn.running_var",
      "stages.1.1.norm.weight",
      "stages.1.1.pwconv1.bias",
      "stages.1.1.pwconv2.weight",
      "stages.1.1.gamma",
      "norm.bias",
    ]
  ) assertTrue(names.includes(name), `${name} in ${names.join(", ")}`);
  assertTrue(
    !names.includes("stages.0.0.dwconv.bias"),
    "BC-SSL's depthwise convolution has no bias",
  );
});

for (const batchNorm of [true, false]) {
  Deno.test(`every weight has a gradient, ${batchNorm ? "with" : "without"} BatchNorm`, () => {
    const model = createModel({ ...tiny, batchNorm, dwconvBias: !batchNorm }, createRng(0));
    const weights = parameters(model.params);
    const { grads } = tf.variableGrads(
      () => model.forward(images(4, 32), { training: true }).features.pow(3).sum() as tf.Scalar,
      [...weights.values()],
    );
    for (const [name, { name: key }] of weights) {
      // A bias before a BatchNorm would be the exception; the model has none.
      assertTrue(grads[key]!.abs().max().dataSync()[0]! > 1e-6, `${name} has no gradient`);
    }
  });
}

Deno.test("createModel() is a function of the stream, and starts two blocks differently", () => {
  const weight = (seed: number, name: string) =>
    namedVariables(createModel(tiny, createRng(seed)).params).get(name)!.dataSync();
  assertEquals(weight(1, "stages.1.0.pwconv1.weight"), weight(1, "stages.1.0.pwconv1.weight"));
  assertTrue(
    weight(1, "stages.1.0.pwconv1.weight")[0] !== weight(1, "stages.1.1.pwconv1.weight")[0],
    "two blocks",
  );
  assertTrue(
    weight(1, "stages.1.0.pwconv1.weight")[0] !== weight(2, "stages.1.0.pwconv1.weight")[0],
    "two seeds",
  );
});

Deno.test("stochastic depth acts in training only, and follows its stream", () => {
  const model = createModel({ ...tiny, batchNorm: false, dropPathRate: 0.5 }, createRng(0));
  const run = (training: boolean, seed: number) =>
    model.forward(images(8, 32), { training, rng: createRng(seed) }).features.dataSync();
  assertEquals(run(true, 1), run(true, 1));
  assertTrue(run(true, 1).some((value, i) => value !== run(true, 2)[i]), "drops differ");
  assertEquals(run(false, 1), run(false, 2));
});

Deno.test("timm's names, and Hugging Face's, are known to convNeXtNames()", () => {
  const model = createModel(convNeXtConfig("atto"), createRng(0), { numClasses: 10 });
  const ours = [...namedVariables(model.params).keys()].sort();
  assertEquals([...model.officialNames(timmNames).values()].sort(), ours);
  const huggingFace = {
    "convnext.embeddings.patch_embeddings.weight": "downsample_layers.0.0.weight",
    "convnext.embeddings.layernorm.bias": "downsample_layers.0.1.bias",
    "convnext.encoder.stages.1.downsampling_layer.0.weight": "downsample_layers.1.0.weight",
    "encoder.stages.2.layers.11.dwconv.bias": "stages.2.11.dwconv.bias",
    "convnext.encoder.stages.0.layers.1.layernorm.weight": "stages.0.1.norm.weight",
    "convnext.encoder.stages.3.layers.0.pwconv2.bias": "stages.3.0.pwconv2.bias",
    "convnext.encoder.stages.0.layers.0.layer_scale_parameter": "stages.0.0.gamma",
    "convnext.layernorm.weight": "norm.weight",
    "classifier.weight": "head.weight",
  };
  assertEquals(Object.fromEntries(model.officialNames(Object.keys(huggingFace))), huggingFace);
  assertEquals([...model.officialNames(ours).values()], ours); // official names stay
});

Deno.test("intermediates() gives what is asked for by name, and refuses what is not there", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 3 });
  const x = images(2, 32);
  assertNoLeak(() => {
    const { stages, features, logits, intermediates: inner } = intermediates(
      model,
      x,
      ["stages.1.0.norm", "stages.1", "head"],
      { training: false },
    );
    assertEquals(inner["stages.1.0.norm"]!.shape, [2, 4, 4, 16]);
    assertClose(inner["stages.1"]!, stages[1]!);
    assertClose(inner["head"]!, logits!);
    tf.dispose([inner, features, logits!, ...stages]);
    const ask = () => intermediates(model, x, ["stages.2"], { training: false });
    assertThrows(ask, RangeError, `No module "stages.2": use one of downsample_layers.0, `);
  });
});

Deno.test("a tap changes what goes on from a module, and has a gradient: Grad-CAM's two needs", () => {
  const model = createModel({ ...tiny, batchNorm: false }, createRng(0), { numClasses: 3 });
  const x = images(1, 32);
  const logit = (delta: tf.Tensor) => {
    const tap: Tap = (name, output) => name === "stages.1" ? output.add(delta) : output;
    return model.forward(x, { training: false, tap }).logits!.slice([0, 1], [1, 1]).asScalar();
  };
  const zero = tf.zeros([1, 4, 4, 16]);
  const slope = tf.grad(logit)(zero);
  const step = slope.mul(1e-2 / slope.norm().dataSync()[0]!);
  const rise = logit(step).sub(logit(zero)).dataSync()[0]!;
  assertClose(rise, slope.mul(step).sum(), 2e-2); // first order
});

Deno.test("evaluation does not depend on the batch", () => {
  const model = createModel(tiny, createRng(0));
  const x = images(4, 32);
  model.forward(x, { training: true }); // moves the running statistics away from 0 and 1
  const all = model.forward(x, { training: false }).features;
  const one = model.forward(x.slice([2], [1]), { training: false }).features;
  assertClose(one, all.slice([2], [1]));
});

Deno.test("layer scale 0 builds none, and a kernel size for each stage is that stage's", () => {
  const model = createModel({ ...tiny, layerScaleInit: 0, kernelSize: [3, 7] }, createRng(0));
  const weights = namedVariables(model.params);
  assertTrue(![...weights.keys()].some((name) => name.endsWith("gamma")), "no gamma");
  assertEquals(weights.get("stages.0.0.dwconv.weight")!.shape, [3, 3, 8, 1]);
  assertEquals(weights.get("stages.1.1.dwconv.weight")!.shape, [7, 7, 16, 1]);
});

Deno.test("bad configurations throw, and say what is wrong", () => {
  const build = (changes: Partial<ConvNeXtConfig>) =>
    createModel({ ...tiny, ...changes }, createRng(0));
  assertThrows(() => build({ kernelSize: 6 }), RangeError, "kernelSize is 6, but must be an odd");
  assertThrows(
    () => build({ depths: [1] }),
    RangeError,
    "depths is [1], but must be as long as dims",
  );
  assertThrows(
    () => build({ kernelSize: [3, 5, 7] }),
    RangeError,
    "or a list of one for each stage",
  );
  const wrong = { ...tiny, kernel_size: 7 };
  assertThrows(() => createModel(wrong, createRng(0)), TypeError, `unknown option "kernel_size"`);
  const { patchSize: _, ...short } = tiny;
  const missing = short as ConvNeXtConfig;
  assertThrows(() => createModel(missing, createRng(0)), TypeError, `"patchSize" is missing`);
  assertThrows(() => bcSslConfig("huge" as "tiny"), RangeError, "use atto, femto");
  const resnext = { ...tiny, arch: "resnext" } as unknown as ModelConfig;
  assertThrows(() => createModel(resnext, createRng(0)), RangeError, "resnext");
  const model = build({});
  assertThrows(() => model.forward(images(1, 4), { training: false }), RangeError, "8 a side");
});

Deno.test("a forward pass keeps no tensor but its outputs", () => {
  const model = createModel(tiny, createRng(0));
  const x = images(2, 32);
  assertNoLeak(() => {
    const { stages, features } = model.forward(x, { training: true, rng: createRng(0) });
    tf.dispose([...stages, features]);
  });
});
