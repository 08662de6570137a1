import * as tf from "lib/tf.ts";
import { constantRng, createRng } from "lib/rng.ts";
import { createModel, intermediates, reparameterize, sLaKConfig } from "lib/models/mod.ts";
import type { SLaKConfig } from "lib/models/slak/slak_configs.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const tiny: SLaKConfig = {
  arch: "slak",
  depths: [1, 2],
  dims: [8, 12],
  kernelSizes: [9, 7],
  smallKernelSize: 3,
  patchSize: 4,
  dropPathRate: 0,
  layerScaleInit: 0.5, // the official 1e-6 would hide a broken branch under any tolerance
};
const images = (count: number, side: number) =>
  tf.randomNormal([count, side, side, 3], 0, 1, "float32", 1) as tf.Tensor4D;

Deno.test("SLaK has the published numbers of parameters, where 40 % of the weights are zeros", () => {
  using model = withShapesOnly(() =>
    createModel(sLaKConfig("tiny"), constantRng(), { numClasses: 1000 })
  );
  const weights = [...parameters(model.params)];
  /** What is left: norms and biases are never pruned. */
  const left = (within: string) =>
    weights.filter(([name]) => name.startsWith(within))
      .reduce((sum, [, { size, rank }]) => sum + (rank > 1 ? 0.6 : 1) * size, 0);
  assertEquals(Math.round(left("") / 1e6), 30); // SLaK-T
  const eighteenMore = left("") + 18 * left("stages.2.0."); // SLaK-S has 27 blocks where T has 9
  assertEquals(Math.round(eighteenMore / 1e6), 55);
});

Deno.test("SLaK is as wide as is asked, cut to whole channels", () => {
  assertEquals(sLaKConfig("tiny").dims, [124, 249, 499, 998]);
  assertEquals(sLaKConfig("tiny", { width: 1 }).dims, [96, 192, 384, 768]);
  assertEquals(sLaKConfig("base", { width: 1.5 }).dims, [192, 384, 768, 1536]);
});

Deno.test("SLaK's weights have the official names and shapes, also from the code's first days", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 2 });
  const weights = namedVariables(model.params);
  const shape = (name: string) => weights.get(`stages.1.1.large_kernel.${name}`)?.shape;
  assertEquals(shape("LoRA1.conv.weight"), [7, 3, 12, 1]);
  assertEquals(shape("LoRA2.conv.weight"), [3, 7, 12, 1]);
  assertEquals(shape("small_conv.conv.weight"), [3, 3, 12, 1]);
  assertEquals(shape("small_conv.bn.running_var"), [12]);
  assertEquals(shape("LoRA1.conv.bias"), undefined);
  const names = [...weights.keys()];
  for (
    const name of ["stages.0.0.gamma", "stages.0.0.pwconv1.weight", "norm.bias", "head.weight"]
  ) {
    assertTrue(names.includes(name), `${name} in ${names.join(", ")}`);
  }
  const first = names.map((name) => name.replace("LoRA", "Decom"));
  assertTrue(first.includes("stages.0.0.large_kernel.Decom2.bn.weight"), "renamed");
  assertEquals([...model.officialNames(first).values()], names);
  assertEquals([...model.officialNames(names).values()], names);
});

Deno.test("SLaK's kernels start as ConvNeXt's, each unlike the others", () => {
  const weights = namedVariables(createModel(sLaKConfig("nano"), createRng(0)).params);
  const kernel = (name: string) => weights.get(`stages.3.${name}.conv.weight`)!;
  for (const name of ["0.large_kernel.LoRA1", "1.large_kernel.LoRA2"]) {
    assertClose(tf.moments(kernel(name)).variance.sqrt(), 0.02, 2e-2);
  }
  const first = [
    "0.large_kernel.LoRA1",
    "0.large_kernel.LoRA2",
    "0.large_kernel.small_conv",
    "1.large_kernel.LoRA1",
  ].map((name) => kernel(name).dataSync()[0]);
  assertEquals(new Set(first).size, 4);
});

Deno.test("intermediates() gives SLaK's inner outputs under the official names", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 3 });
  const { stages, features, intermediates: inner } = intermediates(
    model,
    images(2, 32),
    ["stages.1.0.large_kernel", "stages.1.0.norm", "stages.1", "norm"],
    { training: false },
  );
  assertEquals(stages.map(({ shape }) => shape), [[2, 8, 8, 8], [2, 4, 4, 12]]);
  assertEquals(inner["stages.1.0.large_kernel"]!.shape, [2, 4, 4, 12]);
  assertEquals(inner["stages.1.0.norm"]!.shape, [2, 4, 4, 12]);
  assertClose(inner["stages.1"]!, stages[1]!);
  assertClose(inner["norm"]!, features);
});

Deno.test("SLaK's paths drop in training only, and follow their stream", () => {
  const model = createModel({ ...tiny, dropPathRate: 0.5 }, createRng(0));
  const run = (training: boolean, seed: number) =>
    model.forward(images(8, 32), { training, rng: createRng(seed) }).features.dataSync();
  const first = run(true, 1);
  assertEquals(run(true, 1), first);
  assertTrue(run(true, 2).some((value, i) => value !== first[i]), "drops differ");
  assertEquals(run(false, 1), run(false, 2));
});

Deno.test("SLaK's evaluation does not depend on the batch", () => {
  const model = createModel(tiny, createRng(0));
  const x = images(4, 32);
  model.forward(x, { training: true }); // moves the running statistics away from 0 and 1
  const all = model.forward(x, { training: false }).features;
  const one = model.forward(x.slice([2], [1]), { training: false }).features;
  assertClose(one, all.slice([2], [1]));
});

Deno.test("a SLaK that cannot be built or run throws, and says why", () => {
  const build = (changes: object) => createModel({ ...tiny, ...changes }, createRng(0));
  assertThrows(() => sLaKConfig("large" as "tiny"), RangeError, `Unknown size "large": use nano,`);
  assertThrows(
    () => build({ kernelSizes: [9] }),
    RangeError,
    "kernelSizes is [9], but must be as long",
  );
  assertThrows(
    () => build({ depths: [1] }),
    RangeError,
    "depths is [1], but must be as long as dims",
  );
  assertThrows(() => build({ kernelSizes: [9, 8] }), RangeError, "kernelSizes.1 is 8, but must be");
  assertThrows(() => build({ sparsity: 0.4 }), TypeError, `unknown option "sparsity"`);
  const { patchSize: _, ...short } = tiny;
  assertThrows(() => createModel(short as SLaKConfig, createRng(0)), TypeError, `"patchSize"`);
  const model = build({});
  assertThrows(() => model.forward(images(1, 7), { training: false }), RangeError, "8 a side");
  assertThrows(() => reparameterize(model), RangeError, `"slak"`);
});

Deno.test("SLaK's forward pass keeps no tensor but its outputs", () => {
  const model = createModel({ ...tiny, dropPathRate: 0.5 }, createRng(0));
  const x = images(2, 32);
  assertNoLeak(() => {
    const { stages, features } = model.forward(x, { training: true, rng: createRng(0) });
    tf.dispose([...stages, features]);
  });
});
