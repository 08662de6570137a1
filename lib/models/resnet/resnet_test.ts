import * as tf from "lib/tf.ts";
import { constantRng, createRng } from "lib/rng.ts";
import {
  createModel,
  intermediates,
  resNetConfig,
  type ResNetOptions,
  totalCost,
} from "lib/models/mod.ts";
import { outputDim, type ResNetConfig, resNetLayers } from "lib/models/resnet/resnet_configs.ts";
import { shortcutPool } from "lib/models/resnet/selective_kernel.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const tiny: ResNetConfig = {
  arch: "resnet",
  block: "bottleneck",
  depths: [1, 2],
  dims: [4, 8],
  selectiveKernels: false,
};
const selective: ResNetConfig = { ...tiny, selectiveKernels: true };
const images = (count: number, height: number, width = height) =>
  tf.randomNormal([count, height, width, 3], 0, 1, "float32", 1) as tf.Tensor4D;

interface Counted extends ResNetOptions {
  readonly classes?: number;
  /** Whether BatchNorm's running statistics count. */
  readonly buffers?: boolean;
}

/** Numbers in a network that is not built: up to 795 million. */
function count(
  depth: Parameters<typeof resNetConfig>[0],
  { classes = 0, buffers = false, ...options }: Counted = {},
): number {
  const config = resNetConfig(depth, options);
  const featureDim = outputDim(config.dims.at(-1)!, config);
  return resNetLayers(config).reduce((sum, layer) => {
    if ("norm" in layer) return sum + (buffers ? 4 : 2) * layer.norm;
    const [size, inDim, outDim] = layer.conv;
    return sum + size * size * inDim * outDim;
  }, classes && classes * (featureDim + 1));
}

Deno.test("ResNet has the published numbers of parameters", () => {
  const classes = 1000;
  assertEquals(count(18, { classes }), 11_689_512); // torchvision's table
  assertEquals(count(50, { classes }), 25_557_032);
  assertEquals(count(152, { classes }), 60_192_808);
  const millions = (...args: Parameters<typeof count>) => Math.round(count(...args) / 1e6);
  // SwAV and, at depth 200, BYOL
  assertEquals([2, 4, 5].map((width) => millions(50, { width })), [94, 375, 586]);
  assertEquals(millions(200, { width: 2 }), 250);
  // SimCLRv2's table 1, which counts running statistics: 232.3 and 353.4 million would round to
  // less
  const simclr = ([50, 152] as const).flatMap((depth) =>
    [1, 2].flatMap((width) =>
      [false, true].map((selectiveKernels) =>
        millions(depth, { width, selectiveKernels, buffers: true })
      )
    )
  );
  assertEquals(simclr, [24, 35, 94, 140, 58, 89, 233, 354]);
  assertEquals(millions(152, { width: 3, selectiveKernels: true, buffers: true }), 795);
});

Deno.test("what is counted without building is what is built", () => {
  for (const config of [tiny, selective, { ...tiny, block: "basic" } as const]) {
    const model = createModel(config, createRng(0));
    const sizes = new Map([...parameters(model.params)].map(([name, { size }]) => [name, size]));
    const expected = resNetLayers(config).flatMap((layer) =>
      "norm" in layer
        ? ["weight", "bias"].map((leaf) => [`${layer.name}.${leaf}`, layer.norm] as const)
        : [[`${layer.name}.weight`, layer.conv[0] ** 2 * layer.conv[1] * layer.conv[2]] as const]
    );
    assertEquals(sizes, new Map(expected));
    disposeTree(model.params);
  }
});

Deno.test("ResNet costs the multiply–adds that torchvision states", () => {
  for (const [depth, gigaFlops] of [[18, "1.81"], [50, "4.09"]] as const) {
    using model = withShapesOnly(() =>
      createModel(resNetConfig(depth), constantRng(), { numClasses: 1000 })
    );
    assertEquals((totalCost(model, 224).multiplyAdds / 1e9).toFixed(2), gigaFlops);
  }
});

Deno.test("resNet() halves what is odd upwards, down to one pixel", () => {
  for (const config of [tiny, selective]) {
    const model = createModel(config, createRng(0));
    const shapes = (x: tf.Tensor4D) => {
      const { stages, features } = model.forward(x, { training: false });
      return [...stages, features].map(({ shape }) => shape);
    };
    assertEquals(shapes(images(3, 33, 41)), [[3, 9, 11, 16], [3, 5, 6, 32], [3, 32]]);
    assertEquals(shapes(images(1, 1)), [[1, 1, 1, 16], [1, 1, 1, 32], [1, 32]]);
  }
});

Deno.test("weights have torchvision's names; with selective kernels, timm's for the like", () => {
  const names = (config: ResNetConfig) =>
    new Set(namedVariables(createModel(config, createRng(0), { numClasses: 2 }).params).keys());
  for (
    const name of [
      "conv1.weight",
      "bn1.running_var",
      "layer1.0.conv3.weight",
      "layer1.0.downsample.0.weight",
      "layer2.0.downsample.1.bias",
      "layer2.1.bn2.running_mean",
      "fc.bias",
    ]
  ) assertTrue(names(tiny).has(name), `${name} in ${[...names(tiny)].join(", ")}`);
  assertTrue(!names(tiny).has("layer2.1.downsample.0.weight"), "a shortcut where nothing changes");
  for (
    const name of [
      "conv1.6.weight",
      "conv1.4.running_var",
      "layer1.0.conv2.attn.fc_select.weight",
      "layer2.1.conv2.attn.bn.weight",
      "layer2.0.downsample.2.weight",
    ]
  ) assertTrue(names(selective).has(name), `${name} in ${[...names(selective)].join(", ")}`);
});

Deno.test("first weights are torchvision's: by what a kernel's outputs are, two blocks unlike", () => {
  const model = createModel({ ...tiny, dims: [16, 64] }, createRng(0), { numClasses: 1000 });
  const weights = namedVariables(model.params);
  const std = (name: string) => tf.moments(weights.get(name)!).variance.sqrt();
  assertClose(std("layer2.1.conv2.weight"), Math.sqrt(2 / (9 * 64)), 2e-2);
  assertClose(std("layer2.1.conv3.weight"), Math.sqrt(2 / 256), 2e-2);
  assertClose(std("fc.weight"), 1 / Math.sqrt(3 * 256), 2e-2);
  assertClose(weights.get("layer2.1.bn3.weight")!, tf.ones([256]));
  const first = (name: string) => weights.get(name)!.dataSync()[0];
  assertTrue(first("layer2.0.conv2.weight") !== first("layer2.1.conv2.weight"), "two blocks");
});

Deno.test("shortcutPool() equals plain arrays: zeros count at stride 2, at stride 1 what is outside does not", () => {
  const [H, W] = [3, 4];
  const x = tf.randomNormal<tf.Rank.R4>([1, H, W, 1], 1, 1, "float32", 1);
  const image = x.reshape<tf.Tensor2D>([H, W]).arraySync();
  for (const stride of [1, 2] as const) {
    const expected: number[] = [];
    for (let r = 0; r < H; r += stride) {
      for (let c = 0; c < W; c += stride) {
        const window = [[0, 0], [0, 1], [1, 0], [1, 1]]
          .map(([i, j]) => image[r + i!]?.[c + j!])
          .filter((value) => value !== undefined);
        const sum = window.reduce((total, value) => total + value, 0);
        expected.push(sum / (stride === 2 ? 4 : window.length));
      }
    }
    assertClose(shortcutPool(x, stride), expected);
  }
});

Deno.test("intermediates() gives a ResNet's inner outputs under torchvision's names", () => {
  for (const config of [tiny, selective]) {
    const model = createModel(config, createRng(0), { numClasses: 3 });
    const asked = [
      "conv1",
      "bn1",
      "maxpool",
      "layer2.0.downsample",
      "layer2.1.bn3",
      "layer2",
      "fc",
    ];
    const { stages, features, logits, intermediates: inner } = intermediates(
      model,
      images(2, 32),
      [...asked, "avgpool"],
      { training: false },
    );
    assertEquals(inner["conv1"]!.shape, [2, 16, 16, 4]);
    assertEquals(inner["maxpool"]!.shape, [2, 8, 8, 4]);
    assertEquals(inner["layer2.1.bn3"]!.shape, [2, 4, 4, 32]);
    assertTrue(inner["layer2.1.bn3"]!.min().dataSync()[0]! < 0, "before the sum and its ReLU");
    assertClose(inner["layer2"]!, stages[1]!);
    assertClose(inner["avgpool"]!, features);
    assertClose(inner["fc"]!, logits!);
    disposeTree(model.params);
  }
});

Deno.test("a ResNet's evaluation does not depend on the batch", () => {
  for (const config of [tiny, selective]) {
    const model = createModel(config, createRng(0));
    const x = images(4, 32);
    model.forward(x, { training: true }); // moves the running statistics away from 0 and 1
    const all = model.forward(x, { training: false }).features;
    const one = model.forward(x.slice([2], [1]), { training: false }).features;
    assertClose(one, all.slice([2], [1]));
    disposeTree(model.params);
  }
});

Deno.test("with zeroInitResidual, each block first passes on its input", () => {
  for (const block of ["basic", "bottleneck"] as const) {
    const config: ResNetConfig = { ...tiny, block, depths: [2, 1], zeroInitResidual: true };
    const { params } = createModel(config, createRng(0));
    const zeroed = [...namedVariables(params)]
      .filter(([, weight]) => tf.all(weight.equal(0)).dataSync()[0])
      .map(([name]) => name).filter((name) => name.endsWith("weight"));
    const last = block === "basic" ? "bn2" : "bn3";
    const blocks = ["layer1.0", "layer1.1", "layer2.0"];
    assertEquals(zeroed, blocks.map((name) => `${name}.${last}.weight`));
    disposeTree(params);
  }
  assertEquals(resNetConfig(50, { zeroInitResidual: true }).zeroInitResidual, true);
});

Deno.test("a ResNet that cannot be built throws, and says why", () => {
  const build = (changes: object) => createModel({ ...tiny, ...changes }, createRng(0));
  assertThrows(() => resNetConfig(34 as 50), RangeError, "Unknown depth 34: use 18, 50, 152, 200");
  assertThrows(
    () => build({ depths: [1] }),
    RangeError,
    "depths is [1], but must be as long as dims",
  );
  const basic = { block: "basic", selectiveKernels: true };
  assertThrows(() => build(basic), RangeError, "only a bottleneck");
  assertThrows(() => build({ width: 2 }), TypeError, `unknown option "width"`);
  const { dims: _, ...short } = tiny;
  assertThrows(() => createModel(short as ResNetConfig, createRng(0)), TypeError, `"dims"`);
});

Deno.test("a ResNet's forward pass keeps no tensor but its outputs", () => {
  for (const config of [tiny, selective]) {
    const model = createModel(config, createRng(0));
    const x = images(2, 33);
    assertNoLeak(() => {
      const { stages, features } = model.forward(x, { training: true });
      tf.dispose([...stages, features]);
    });
  }
});
