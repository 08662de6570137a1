import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { type ConvNeXtConfig } from "lib/models/convnext.ts";
import { createModel, type ModelConfig } from "lib/models/mod.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import {
  assertClose,
  assertEquals,
  assertNoLeak,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";

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
const count = (config: ConvNeXtConfig) => {
  const model = createModel(config, createRng(0));
  const total = [...parameters(model.params).values()].reduce((sum, w) => sum + w.size, 0);
  disposeTree(model.params);
  return total;
};

Deno.test("ConvNeXt-T and BC-SSL-T have the published numbers of parameters, without the head", () => {
  const convNeXtTiny = {
    ...tiny,
    depths: [3, 3, 9, 3],
    dims: [96, 192, 384, 768],
    kernelSize: 7,
    batchNorm: false,
    dwconvBias: true,
  };
  const head = 768 * 1000 + 1000;
  assertEquals(count(convNeXtTiny), 28_589_128 - head);
  const bcSslTiny = { ...convNeXtTiny, kernelSize: 9, batchNorm: true, dwconvBias: false };
  assertEquals(count(bcSslTiny), 28_589_128 - head + 6624 + (81 - 49) * 6624); // one tap costs Σ depth·dim = 6,624
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

Deno.test("evaluation does not depend on the batch", () => {
  const model = createModel(tiny, createRng(0));
  const x = images(4, 32);
  model.forward(x, { training: true }); // moves the running statistics away from 0 and 1
  const all = model.forward(x, { training: false }).features;
  const one = model.forward(x.slice([2], [1]), { training: false }).features;
  assertClose(one, all.slice([2], [1]));
});

Deno.test("bad configurations throw, and say what is wrong", () => {
  const build = (changes: Partial<ConvNeXtConfig>) =>
    createModel({ ...tiny, ...changes }, createRng(0));
  assertThrows(() => build({ kernelSize: 6 }), RangeError, "size is 6");
  assertThrows(() => build({ depths: [1] }), RangeError, "1 and 2");
  assertThrows(() => build({ arch: "resnext" } as unknown as ModelConfig), RangeError, "resnext");
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
