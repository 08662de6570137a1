import * as tf from "lib/tf.ts";
import { constantRng, createRng } from "lib/rng.ts";
import {
  convNeXtConfig,
  createModel,
  intermediates,
  reparameterize,
  repLKNetConfig,
  totalCost,
} from "lib/models/mod.ts";
import type { RepLKNetConfig } from "lib/models/replknet/replknet_configs.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { fillByFormula } from "lib/testing/formula.ts";

const tiny: RepLKNetConfig = {
  arch: "replknet",
  depths: [1, 2],
  dims: [6, 8],
  kernelSizes: [9, 7],
  smallKernelSize: 3,
  merged: false,
  dropPathRate: 0,
};
const images = (count: number, height: number, width = height) =>
  tf.randomNormal([count, height, width, 3], 0, 1, "float32", 1) as tf.Tensor4D;
const names = (params: object) => [...namedVariables(params).keys()].sort();

/** Parameters with a classifier, and multiply–adds of the backbone, of a merged network. */
function costOf(config: RepLKNetConfig, imageSize: number) {
  return withShapesOnly(() => {
    using model = createModel({ ...config, merged: true }, constantRng());
    const { parameters, multiplyAdds } = totalCost(model, imageSize);
    return { parameters: parameters + 1000 * (config.dims.at(-1)! + 1), multiplyAdds };
  });
}

Deno.test("RepLKNet has the published numbers of parameters and multiply–adds, which are cut", () => {
  const printed = [["31B", 224, 79, 15.3], ["31B", 384, 79, 45.1], [
    "31L",
    384,
    172,
    96.0,
  ]] as const;
  for (const [size, imageSize, millions, giga] of printed) {
    const { parameters, multiplyAdds } = costOf(repLKNetConfig(size), imageSize);
    assertEquals(Math.floor(parameters / 1e6), millions); // 79.53 and 172.17
    assertTrue(Math.abs(multiplyAdds / 1e9 - giga) < 0.06, `${multiplyAdds}`); // 15.35, 45.12 and 95.99
  }
});

Deno.test("repLKNet() halves what is odd upwards, down to one pixel", () => {
  const model = createModel(tiny, createRng(0));
  const shapes = (x: tf.Tensor4D) => {
    const { stages, features } = model.forward(x, { training: false });
    return [...stages, features].map(({ shape }) => shape);
  };
  assertEquals(shapes(images(3, 33, 41)), [[3, 9, 11, 6], [3, 5, 6, 8], [3, 8]]);
  assertEquals(shapes(images(1, 1)), [[1, 1, 1, 6], [1, 1, 1, 8], [1, 8]]);
});

Deno.test("RepLKNet's weights have the official names, merged or not", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 2 });
  const trained = names(model.params);
  for (
    const name of [
      "stem.3.conv.weight",
      "stages.0.blocks.0.prelkb_bn.running_var",
      "stages.1.blocks.2.large_kernel.lkb_origin.conv.weight",
      "stages.1.blocks.2.large_kernel.small_conv.bn.bias",
      "stages.1.blocks.3.preffn_bn.weight",
      "stages.1.blocks.3.pw2.conv.weight",
      "transitions.0.1.bn.running_mean",
      "norm.weight",
      "head.bias",
    ]
  ) assertTrue(trained.includes(name), `${name} in ${trained.join(", ")}`);
  const merged = createModel({ ...tiny, merged: true }, createRng(0), { numClasses: 2 });
  assertEquals(names(reparameterize(model).params), names(merged.params));
  assertTrue(
    names(merged.params).includes("stages.0.blocks.0.large_kernel.lkb_reparam.bias"),
    "official name",
  );
});

Deno.test("reparameterize() gives the same output from one kernel each, and leaves the model as it is", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 5 });
  fillByFormula(model.params);
  const x = images(2, 40, 35);
  model.forward(x, { training: true }); // moves the running statistics
  const before = model.forward(x, { training: false });
  const merged = reparameterize(model);
  const after = merged.forward(x, { training: false });
  assertClose(after.logits!, before.logits!);
  after.stages.forEach((stage, i) => assertClose(stage, before.stages[i]!));
  assertClose(model.forward(x, { training: false }).logits!, before.logits!, 0);
  disposeTree(model.params);
  assertClose(merged.forward(x, { training: false }).logits!, before.logits!); // has its own weights
});

Deno.test("reparameterize() keeps no tensor but the new weights, and refuses what has no branches", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 5 });
  assertNoLeak(() => disposeTree(reparameterize(model).params));
  const merged = reparameterize(model);
  assertThrows(() => reparameterize(merged), RangeError, "merged replknet");
  const convNeXt = createModel(convNeXtConfig("atto"), createRng(0));
  assertThrows(() => reparameterize(convNeXt), RangeError, `"convnext"`);
});

Deno.test("intermediates() gives a RepLKNet's inner outputs under the official names", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 3 });
  const { stages, features, intermediates: inner } = intermediates(
    model,
    images(2, 32),
    ["stem.2", "stages.1.blocks.2.large_kernel", "transitions.0", "stages.1", "norm", "avgpool"],
    { training: false },
  );
  assertEquals(inner["stem.2"]!.shape, [2, 16, 16, 6]);
  assertEquals(inner["stages.1.blocks.2.large_kernel"]!.shape, [2, 4, 4, 8]);
  assertEquals(inner["transitions.0"]!.shape, [2, 4, 4, 8]);
  assertClose(inner["stages.1"]!, stages[1]!);
  assertClose(inner["norm"]!.mean([1, 2]), features);
  assertClose(inner["avgpool"]!, features);
});

Deno.test("a RepLKNet's paths drop in training only, later ones more, and follow their stream", () => {
  const model = createModel({ ...tiny, depths: [1, 1], dropPathRate: 0.5 }, createRng(0));
  const run = (training: boolean, seed: number) =>
    model.forward(images(8, 32), { training, rng: createRng(seed) }).stages
      .map((stage) => stage.dataSync());
  const [first, other] = [run(true, 1), run(true, 2)];
  assertEquals(run(true, 1), first);
  assertEquals(first[0], other[0]); // the first pair's rate is 0
  assertTrue(first[1]!.some((value, i) => value !== other[1]![i]), "drops differ");
  assertEquals(run(false, 1)[1], run(false, 2)[1]);
});

Deno.test("branchScaleInit is where a RepLKNet's branches start; from 0, its stages do nothing", () => {
  const ends = /blocks\.\d+\.pw2\.bn\.weight$/; // the norm that ends a branch
  for (const branchScaleInit of [1, 0.25]) {
    const { params } = createModel({ ...tiny, branchScaleInit }, createRng(0));
    const scales = [...namedVariables(params)].filter(([name]) => ends.test(name));
    assertEquals(scales.map(([, { shape }]) => shape[0]), [6, 6, 8, 8, 8, 8]);
    for (const [, scale] of scales) assertClose(scale, tf.fill(scale.shape, branchScaleInit), 0);
  }
  const model = createModel({ ...tiny, branchScaleInit: 0 }, createRng(0));
  const wanted = ["stem.3", "transitions.0"];
  const { stages, intermediates: inner } = intermediates(model, images(2, 32), wanted, {
    training: true,
  });
  wanted.forEach((name, i) => assertClose(stages[i]!, inner[name]!, 0));
});

Deno.test("a RepLKNet's evaluation does not depend on the batch", () => {
  const model = createModel(tiny, createRng(0));
  const x = images(4, 32);
  model.forward(x, { training: true }); // moves the running statistics away from 0 and 1
  const all = model.forward(x, { training: false }).features;
  const one = model.forward(x.slice([2], [1]), { training: false }).features;
  assertClose(one, all.slice([2], [1]));
});

Deno.test("a RepLKNet that cannot be built throws, and says why", () => {
  const build = (changes: object) => createModel({ ...tiny, ...changes }, createRng(0));
  assertThrows(() => repLKNetConfig("XL" as "31B"), RangeError, `Unknown size "XL": use nano, 31B`);
  assertThrows(
    () => build({ kernelSizes: [9] }),
    RangeError,
    "kernelSizes is [9], but must be as long as dims",
  );
  assertThrows(
    () => build({ kernelSizes: [9, 8] }),
    RangeError,
    "kernelSizes.1 is 8, but must be an odd",
  );
  assertThrows(
    () => build({ smallKernelSize: 11 }),
    RangeError,
    "smallKernelSize is 11, but must be at most the smallest",
  );
  assertThrows(() => build({ dwRatio: 1.5 }), TypeError, `unknown option "dwRatio"`);
  const { merged: _, ...short } = tiny;
  assertThrows(() => createModel(short as RepLKNetConfig, createRng(0)), TypeError, `"merged"`);
});

Deno.test("a RepLKNet's forward pass keeps no tensor but its outputs", () => {
  const model = createModel({ ...tiny, dropPathRate: 0.5 }, createRng(0));
  const x = images(2, 33);
  assertNoLeak(() => {
    const { stages, features } = model.forward(x, { training: true, rng: createRng(0) });
    tf.dispose([...stages, features]);
  });
});
