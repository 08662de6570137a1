import * as tf from "lib/tf.ts";
import { constantRng, createRng } from "lib/rng.ts";
import timmNames from "lib/models/golden/swin_timm_names.json" with { type: "json" };
import { createModel, intermediates, swinConfig, totalCost } from "lib/models/mod.ts";
import type { SwinConfig } from "lib/models/swin/swin.ts";
import {
  fromWindows,
  relativePositionBias,
  rollMask,
  toWindows,
  windowPlan,
} from "lib/models/swin/swin_windows.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { fillByFormula } from "lib/testing/formula.ts";

const tiny: SwinConfig = {
  arch: "swin",
  embedDim: 8,
  depths: [2, 1],
  numHeads: [2, 4],
  windowSize: 3,
  patchSize: 4,
  imageSize: 32,
  normEps: 1e-6,
  dropPathRate: 0,
};
const images = (count: number, height: number, width = height) =>
  tf.randomNormal([count, height, width, 3], 0, 1, "float32", 1) as tf.Tensor4D;

Deno.test("Swin has the published numbers of parameters and multiply-adds", () => {
  const cost = (config: SwinConfig, numClasses = 0) =>
    withShapesOnly(() => {
      using model = createModel(config, constantRng(), { numClasses });
      return totalCost(model, config.imageSize);
    });
  const model = cost(swinConfig("tiny"), 1000);
  assertEquals(model.parameters, 28_288_354);
  assertEquals((model.multiplyAdds / 1e9).toFixed(1), "4.5"); // Liu et al. 2021, Table 1
  assertEquals(cost(swinConfig("small"), 1000).parameters, 49_606_258);
  assertEquals(cost(swinConfig("base"), 1000).parameters, 87_768_224);
  assertEquals((cost(swinConfig("nano")).parameters / 1e6).toFixed(1), "0.6");
});

Deno.test("swin() gives every layer's map before it is merged, for any size, and the mean of the normed tokens", () => {
  const model = createModel(tiny, createRng(0));
  const { stages, features, intermediates: inner } = intermediates(
    model,
    images(3, 30, 47),
    ["norm"],
    { training: true },
  );
  assertEquals(stages.map((stage) => stage.shape), [[3, 7, 11, 8], [3, 4, 6, 16]]);
  assertClose(features, inner["norm"]!.mean([1, 2]));
  assertClose(tf.moments(inner["norm"]!, 3).variance, Array(72).fill(1), 1e-2);
});

Deno.test("weights have the official names, and the tables the size of their window", () => {
  const { params } = createModel(tiny, createRng(0), { numClasses: 5 });
  const shapes = new Map([...namedVariables(params)].map(([name, { shape }]) => [name, shape]));
  const table = "attn.relative_position_bias_table";
  assertEquals(shapes.get(`layers.0.blocks.1.${table}`), [25, 2]); // (2 · 3 − 1)²
  assertEquals(shapes.get("layers.0.downsample.reduction.weight"), [32, 16]);
  for (
    const name of [
      "patch_embed.proj.bias",
      "patch_embed.norm.weight",
      "layers.0.blocks.1.norm1.weight",
      "layers.0.blocks.1.attn.qkv.bias",
      "layers.0.blocks.1.attn.proj.weight",
      "layers.0.blocks.1.norm2.bias",
      "layers.0.blocks.1.mlp.fc1.weight",
      "layers.1.blocks.0.mlp.fc2.bias",
      "layers.0.downsample.norm.weight",
      "norm.weight",
      "head.bias",
    ]
  ) assertTrue(shapes.has(name), `${name} in ${[...shapes.keys()].join(", ")}`);
  assertTrue(!shapes.has("layers.0.downsample.reduction.bias"), "merging has no bias");
  assertTrue(!shapes.has("layers.1.downsample.norm.weight"), "the last layer merges nothing");
});

Deno.test("a window larger than its map is the map's size: windows of 14 end in 7", () => {
  const { params } = createModel(swinConfig("tiny", { windowSize: 14 }), constantRng());
  const sides = [0, 1, 2, 3].map((layer) => {
    const name = `layers.${layer}.blocks.1.attn.relative_position_bias_table`;
    return (Math.sqrt(namedVariables(params).get(name)!.shape[0]!) + 1) / 2;
  });
  assertEquals(sides, [14, 14, 14, 7]);
  disposeTree(params);
});

Deno.test("first weights are the reference's, by their moments", () => {
  const weights = namedVariables(createModel(swinConfig("nano"), createRng(0)).params);
  const std = (name: string) => Math.sqrt(tf.moments(weights.get(name)!).variance.dataSync()[0]!);
  const normal = [
    "layers.3.blocks.0.attn.qkv.weight",
    "layers.2.downsample.reduction.weight",
    "layers.2.blocks.1.attn.relative_position_bias_table",
  ];
  for (const name of normal) assertClose(std(name), 0.02, name.endsWith("table") ? 0.2 : 0.03);
  const bound = 1 / Math.sqrt(3 * 4 * 4); // kaiming_uniform_(a = √5)
  assertClose(std("patch_embed.proj.weight"), bound / Math.sqrt(3), 0.1);
  assertTrue(std("patch_embed.proj.bias") > bound / 4, "PyTorch's convolutions start with biases");
});

for (
  const [height, width, window, shift] of [[6, 9, 3, 0], [6, 9, 3, 1], [7, 4, 4, 2], [2, 3, 5, 2]]
) {
  Deno.test(`toWindows() and fromWindows() of ${height}×${width} by ${window}, rolled by ${shift}`, () => {
    const plan = windowPlan(height!, width!, window!, shift!);
    const x = tf.range(1, 1 + 2 * height! * width! * 2).reshape<tf.Tensor4D>([
      2,
      height!,
      width!,
      2,
    ]);
    const windows = toWindows(x, plan);
    assertEquals(windows.shape, [2 * plan.windows, window! ** 2, 2]);
    assertClose(windows, naiveWindows(x, window!, shift!));
    assertEquals(fromWindows(windows, plan).dataSync(), x.dataSync());
    const cotangent = tf.randomNormal(windows.shape, 0, 1, "float32", 2); // ⟨A x, y⟩ = ⟨x, Aᵀ y⟩
    const back = tf.grad((x) => toWindows(x as tf.Tensor4D, plan).mul(cotangent).sum())(x);
    assertClose(back.mul(x).sum(), windows.mul(cotangent).sum());
    const other = tf.grad((y) => fromWindows(y as tf.Tensor3D, plan).mul(x).sum())(cotangent);
    assertClose(
      other.mul(cotangent).sum(),
      fromWindows(cotangent as tf.Tensor3D, plan).mul(x).sum(),
    );
  });
}

/** Windows, then their tokens, then channels: read one number at a time. */
function naiveWindows(x: tf.Tensor4D, window: number, shift: number): number[] {
  const [batch, height, width, channels] = x.shape;
  const [rows, columns] = [height, width].map((side) => Math.ceil(side / window) * window);
  const values = x.arraySync();
  const found: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let top = 0; top < rows!; top += window) {
      for (let left = 0; left < columns!; left += window) {
        for (let i = 0; i < window * window * channels; i++) {
          const [token, c] = [Math.floor(i / channels), i % channels];
          const row = (top + Math.floor(token / window) + shift) % rows!;
          const column = (left + token % window + shift) % columns!;
          found.push(values[b]![row]?.[column]?.[c] ?? 0);
        }
      }
    }
  }
  return found;
}

Deno.test("rollMask() parts tokens that rolling brought together, and no others", () => {
  const plan = windowPlan(4, 4, 2, 1);
  const mask = rollMask(plan).arraySync().map(([one]) =>
    one!.map((row) => row.map((m) => m === 0))
  );
  const none = Array(4).fill(Array(4).fill(true));
  const sideBySide = [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((b) => a % 2 === b % 2));
  const below = [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((b) => a >> 1 === b >> 1));
  const alone = [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((b) => a === b));
  assertEquals(mask, [none, sideBySide, below, alone]);
  assertEquals(Math.min(...rollMask(plan).dataSync()), -100);
});

Deno.test("relativePositionBias() depends on how two tokens lie to each other alone", () => {
  const table = tf.range(0, 50).reshape<tf.Tensor2D>([25, 2]);
  const bias = relativePositionBias(table, 3).arraySync()[0]!;
  for (let a = 0; a < 9; a++) {
    for (let b = 0; b < 9; b++) {
      const [dy, dx] = [Math.floor(a / 3) - Math.floor(b / 3), a % 3 - b % 3];
      const row = (dy + 2) * 5 + dx + 2;
      assertEquals([bias[0]![a]![b], bias[1]![a]![b]], [2 * row, 2 * row + 1]);
    }
  }
});

Deno.test("every weight has a gradient, the same bits each time", () => {
  const model = createModel(tiny, createRng(0));
  fillByFormula(model.params);
  const weights = parameters(model.params);
  const run = () =>
    model.forward(images(2, 36), { training: true }).features.pow(3).sum() as tf.Scalar;
  const grads = () => tf.variableGrads(run, [...weights.values()]).grads;
  const [first, second] = [grads(), grads()];
  for (const [name, { name: key }] of weights) {
    assertTrue(first[key]!.abs().max().dataSync()[0]! > 1e-4, `${name} has no gradient`);
    assertEquals(first[key]!.dataSync(), second[key]!.dataSync(), name);
  }
});

Deno.test("createSwin() is a function of the stream, and starts two blocks differently", () => {
  const weight = (seed: number, block: number) =>
    namedVariables(createModel(tiny, createRng(seed)).params)
      .get(`layers.0.blocks.${block}.attn.qkv.weight`)!.dataSync();
  assertEquals(weight(1, 0), weight(1, 0));
  assertTrue(weight(1, 0)[0] !== weight(1, 1)[0], "two blocks");
  assertTrue(weight(1, 0)[0] !== weight(2, 0)[0], "two seeds");
});

Deno.test("Swin's stochastic depth acts in training only, and follows its stream", () => {
  const model = createModel({ ...tiny, dropPathRate: 0.5 }, createRng(0));
  const run = (training: boolean, seed: number) =>
    model.forward(images(8, 32), { training, rng: createRng(seed) }).features.dataSync();
  assertEquals(run(true, 1), run(true, 1));
  assertTrue(run(true, 1).some((value, i) => value !== run(true, 2)[i]), "drops differ");
  assertEquals(run(false, 1), run(false, 2));
});

Deno.test("timm's names, which merge at a layer's beginning, are known to swinNames()", () => {
  const model = createModel(swinConfig("tiny"), constantRng(), { numClasses: 10 });
  const ours = [...namedVariables(model.params).keys()].sort();
  const official = model.officialNames(timmNames);
  assertEquals([...official.values()].sort(), ours);
  assertEquals(official.get("layers.3.downsample.norm.bias"), "layers.2.downsample.norm.bias");
  assertEquals([...model.officialNames(ours).values()], ours); // official names stay
  disposeTree(model.params);
});

Deno.test("intermediates() gives Swin's maps by name", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 3 });
  const wanted = [
    "patch_embed",
    "layers.0.blocks.1.norm1",
    "layers.0.blocks.1",
    "layers.0",
    "layers.1",
  ];
  const x = images(2, 32);
  const { stages, intermediates: inner } = intermediates(model, x, wanted, { training: false });
  assertEquals(inner["patch_embed"]!.shape, [2, 8, 8, 8]);
  assertEquals(inner["layers.0.blocks.1.norm1"]!.shape, [2, 8, 8, 8]);
  assertClose(inner["layers.0.blocks.1"]!, stages[0]!);
  assertEquals(inner["layers.0"]!.shape, [2, 4, 4, 16]); // merged, as the official module gives it
  assertClose(inner["layers.1"]!, stages[1]!);
});

Deno.test("evaluation of a Swin does not depend on the batch", () => {
  const model = createModel(tiny, createRng(0));
  const x = images(4, 30);
  const all = model.forward(x, { training: false }).features;
  const one = model.forward(x.slice([2], [1]), { training: false }).features;
  assertClose(one, all.slice([2], [1]));
});

Deno.test("with normBeforeMlp, each block's second norm is a BatchNorm, which only the official code can read", () => {
  const model = createModel({ ...tiny, normBeforeMlp: "bn" }, createRng(0));
  const buffers = [...namedVariables(model.params).keys()].filter((name) => /running_/.test(name));
  const norms = ["layers.0.blocks.0", "layers.0.blocks.1", "layers.1.blocks.0"];
  assertEquals(
    buffers,
    norms.flatMap((block) => ["mean", "var"].map((of) => `${block}.norm2.running_${of}`)),
  );
  for (const format of ["esvit", "timm", "huggingface"] as const) {
    assertEquals(model.weightsForm(format), undefined, format);
  }
  assertTrue(model.weightsForm("official") !== undefined, "as PyTorch's module names it");
  assertThrows(
    () => createModel({ ...tiny, normBeforeMlp: "ln" as "bn" }, createRng(0)),
    RangeError,
    'normBeforeMlp is "ln", but must be "bn"',
  );
});

Deno.test("bad Swin configurations and images throw, and say what is wrong", () => {
  const build = (changes: object) =>
    createModel({ ...tiny, ...changes } as SwinConfig, createRng(0));
  assertThrows(
    () => build({ numHeads: [2] }),
    RangeError,
    "numHeads is [2], but must be as long as depths",
  );
  assertThrows(() => build({ numHeads: [3, 4] }), RangeError, "divisors of the layers' channels");
  assertThrows(() => build({ imageSize: 7 }), RangeError, "leave it no token");
  assertThrows(() => build({ window: 7 }), TypeError, `unknown option "window"`);
  assertThrows(() => swinConfig("large" as "tiny"), RangeError, "use nano, tiny, small");
  const forward = () => build({}).forward(images(1, 16, 3), { training: false });
  assertThrows(forward, RangeError, "Cannot cut 16×3 pixels into patches of 4 a side");
});

Deno.test("a Swin's forward pass keeps no tensor but its outputs, nor does its gradient", () => {
  const model = createModel({ ...tiny, dropPathRate: 0.3 }, createRng(0));
  const x = images(2, 30);
  const weights = [...parameters(model.params).values()];
  assertNoLeak(() => {
    const { stages, features } = model.forward(x, { training: true, rng: createRng(0) });
    tf.dispose([...stages, features]);
    const run = () => model.forward(x, { training: true }).features.sum() as tf.Scalar;
    tf.dispose(tf.variableGrads(run, weights) as unknown as tf.TensorContainer);
  });
});
