/** Every layer that has a kernel of our own, with its gradients. */
import * as tf from "lib/tf.ts";
import { convNeXtBlock, createConvNeXtBlock } from "lib/models/convnext/convnext.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { attention, attentionSoftmax } from "lib/nn/attention.ts";
import { conv2d, depthwiseConv2d, type DepthwiseConv2dParams, patchConv2d } from "lib/nn/conv.ts";
import { biasGelu, gelu } from "lib/nn/gelu.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { fused } from "lib/nn/fused.ts";
import { linear } from "lib/nn/linear.ts";
import { batchNorm, createBatchNorm, layerNorm } from "lib/nn/norms.ts";
import { parameters } from "lib/nn/parameters.ts";
import { scaledResidual } from "lib/nn/residual.ts";
import { createRng } from "lib/rng.ts";
import { roiAlign } from "lib/detect/boxes/roi_align.ts";
import { type CheckCase, gradientCase, randomTensor, type Sizes } from "./check_case.ts";

const random = randomTensor;
const part = "layers";

/** A layer's own type of weights; here they are tensors of the shapes that it needs. */
// deno-lint-ignore no-explicit-any -- gradients are taken by weights, so these are no variables
type Weights = any;

/** The cases of all layers. */
export function layerCases(sizes: Sizes): CheckCase[] {
  return [
    ...rowLayers(sizes),
    ...depthwiseLayers(sizes),
    attentionLayer(),
    ...roiAlignLayers(),
    ...blocks(sizes),
    bf16Product(),
  ];
}

/**
 * The product in bf16 where the engine has one; elsewhere that of factors which are rounded before.
 * Its own result may be rounded too, to eight digits.
 */
function bf16Product(): CheckCase {
  return {
    part,
    name: "product in bf16",
    tolerance: 1 / 128,
    compute: () =>
      tf.tidy(() => {
        const [a, b] = [random([70, 130], 1), random([130, 65], 2)].map(inBf16);
        const attributes = { transposeA: 0, transposeB: 0 };
        return { value: fused("MixedProduct", [a!, b!], attributes)?.[0] ?? tf.matMul(a!, b!) };
      }),
  };
}

/** Cuts numbers to the digits of bf16. Only values that are known without the device are read. */
function inBf16(x: tf.Tensor): tf.Tensor {
  const bits = new Uint32Array(x.dataSync<"float32">().slice().buffer);
  for (let i = 0; i < bits.length; i++) bits[i]! &= 0xffff0000;
  return tf.tensor(new Float32Array(bits.buffer), x.shape);
}

/** One of two processes; the other has half of what this one has. */
const halfOther: World = {
  ...{ ...alone, size: 2 },
  gather: (x) => tf.concat([x, (x as tf.Tensor).div(2)]) as typeof x,
};

/** Layers that work on rows of channels. */
function rowLayers(sizes: Sizes): CheckCase[] {
  const shape = sizes === "small" ? [2, 7, 5, 33] : [16, 28, 28, 192];
  const C = shape.at(-1)!, out = 2 * C + 1;
  const x = () => random(shape, 1, { mean: 0.5, std: 2 });
  const channels = (seed: number) => random([C], seed, { mean: 1 });
  const norm =
    (training: boolean, world?: World) => (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
      batchNorm(x, { ...createBatchNorm(C), weight, bias } as Weights, {
        ...{ training, eps: 1e-2, world },
      });
  const pair = (name: string) => [name, `${name}Grad`];
  return [
    gradientCase({ part, name: "gelu", kernels: pair("Gelu") }, gelu, () => [x()]),
    gradientCase(
      { part, name: "biasGelu", kernels: pair("BiasGelu") },
      biasGelu as (...args: tf.Tensor[]) => tf.Tensor,
      () => [x(), channels(2)],
    ),
    gradientCase(
      { part, name: "layerNorm", kernels: pair("LayerNorm") },
      (x, weight, bias) => layerNorm(x!, { weight, bias } as Weights, 1e-2),
      () => [x(), channels(2), channels(3)],
    ),
    gradientCase(
      { part, name: "batchNorm, batch statistics", kernels: pair("BatchNorm") },
      norm(true) as (...args: tf.Tensor[]) => tf.Tensor,
      () => [x(), channels(2), channels(3)],
    ),
    gradientCase(
      {
        ...{ part, name: "batchNorm, of two processes" },
        kernels: ["OwnMoments", "MomentsOfAll", "BatchNormGradOfAll"],
      },
      norm(true, halfOther) as (...args: tf.Tensor[]) => tf.Tensor,
      () => [x(), channels(2), channels(3)],
    ),
    gradientCase(
      { part, name: "batchNorm, running statistics", kernels: ["Affine"] },
      norm(false) as (...args: tf.Tensor[]) => tf.Tensor,
      () => [x(), channels(2), channels(3)],
    ),
    gradientCase(
      { part, name: "l2Normalize", kernels: pair("L2Normalize") },
      l2Normalize,
      () => [x()],
    ),
    gradientCase(
      { part, name: "linear", kernels: ["Linear", "LinearGradInput", "LinearGradWeight"] },
      (x, weight, bias) => linear(x!, { weight, bias } as Weights),
      () => [x(), random([C, out], 2), random([out], 3)],
    ),
    gradientCase(
      { part, name: "scaledResidual", kernels: pair("ScaledResidual") },
      (x, branch, bias, gamma) => {
        const keep = Float32Array.from({ length: shape[0]! }, (_, i) => 0.5 + i % 3);
        return scaledResidual(x!, branch!, { bias, gamma, keep } as Weights);
      },
      () => [x(), random([shape[0]! * shape[1]! * shape[2]!, C], 2), channels(3), channels(4)],
    ),
    gradientCase(
      { part, name: "patchConv2d", kernels: pair("Patches") },
      (x, weight) => patchConv2d(x as tf.Tensor4D, { weight } as Weights),
      () => [x(), random([2, 2, C, 5], 2)],
    ),
    gradientCase(
      // Rounded on a CPU alone: a GPU without such a kernel computes it in fp32.
      { part, name: "conv2d with a bias and a ReLU", kernels: ["RoundedConv"] },
      (x, weight, bias) =>
        conv2d(x as tf.Tensor4D, { weight, bias } as Weights, { relu: true, precision: "bf16" }),
      () => [x(), random([3, 3, C, 5], 2), random([5], 3)],
    ),
    gradientCase(
      { part, name: "attentionSoftmax", kernels: pair("Softmax") },
      attentionSoftmax as (...args: tf.Tensor[]) => tf.Tensor,
      () => [random([6, 2, 49, 49], 1, { std: 3 }), random([2, 2, 49, 49], 2)],
    ),
  ];
}

/** Kernel sizes, square or as SLaK's rectangles. */
const kernelSizes = {
  small: [[3, 3], [9, 9], [15, 15], [5, 51]],
  full: [[3, 3], [5, 5], [7, 7], [9, 9], [15, 15], [31, 31], [51, 51], [51, 5], [5, 51]],
} as const;

function depthwiseLayers(sizes: Sizes): CheckCase[] {
  const shape = sizes === "small" ? [2, 9, 8, 6] : [4, 56, 56, 96];
  return kernelSizes[sizes].flatMap(([high, wide]) =>
    (high === 3 || high === 7 ? [1, 2] : [1]).map((stride) =>
      gradientCase(
        {
          part,
          name: `depthwiseConv2d, ${high} × ${wide}, stride ${stride}`,
          kernels: ["Depthwise", "DepthwiseGradInput", "DepthwiseGradWeight"],
        },
        (x, weight, bias) => {
          const weights = { weight, bias } as unknown as DepthwiseConv2dParams;
          return depthwiseConv2d(x as tf.Tensor4D, weights, { stride });
        },
        () => [
          random(shape, 1),
          random([high, wide, shape[3]!, 1], 2, { std: 1 / Math.sqrt(high * wide) }),
          random([shape[3]!], 3),
        ],
      )
    )
  );
}

function attentionLayer(): CheckCase {
  return gradientCase(
    { part, name: "attention", kernels: ["Attention", "AttentionGrad"] },
    (qkv, bias) => attention(qkv as tf.Tensor3D, { numHeads: 3, bias: bias as tf.Tensor4D }),
    () => [random([6, 49, 3 * 24], 1), random([2, 3, 49, 49], 2)],
  );
}

/** Boxes on a map of 40 × 48 pixels, some of them partly outside, one without extent. */
const boxes = [
  [1.5, 2.25, 20.75, 30.5, -8, -3, 12, 18, 30, 20, 60.5, 44.25],
  [10, 10, 10, 10, 0, 0, 47.5, 39.5],
].map((numbers) => Float32Array.from(numbers));

function roiAlignLayers(): CheckCase[] {
  return [true, false].map((aligned) =>
    gradientCase(
      {
        part,
        name: `roiAlign${aligned ? "" : ", not aligned"}`,
        kernels: ["RoiAlign", "RoiAlignGrad"],
      },
      (x) =>
        roiAlign(x as tf.Tensor4D, boxes, {
          size: 7,
          scale: 1 / 4,
          samplingRatio: aligned ? 0 : 2,
          aligned,
        }),
      () => [random([2, 10, 12, 17], 1)],
    )
  );
}

/** Blocks of ConvNeXt and BC-SSL, whose layers the backend may fuse. */
function blocks(sizes: Sizes): CheckCase[] {
  const shape = sizes === "small" ? [2, 6, 5, 8] : [4, 56, 56, 96];
  return [true, false].map((hasBatchNorm): CheckCase => ({
    part,
    name: `block of ${hasBatchNorm ? "BC-SSL, k = 9" : "ConvNeXt, k = 7"}`,
    kernels: ["Pointwise", "PointwiseGrad", ...(hasBatchNorm ? ["BatchMoments"] : [])],
    tolerance: 1e-4,
    compute: () =>
      tf.tidy(() => {
        const config = { batchNorm: hasBatchNorm, dwconvBias: !hasBatchNorm, layerScaleInit: 1 };
        const params = createConvNeXtBlock(
          shape[3]!,
          hasBatchNorm ? 9 : 7,
          config,
          createRng(0),
        );
        const x = random<tf.Rank.R4>(shape, 1);
        const run = () => convNeXtBlock(x, params, { training: true, dropPathRate: 0 });
        const weights = parameters(params);
        const grads = tf.grads(run)([x, ...weights.values()], random(shape, 2));
        const names = ["x", ...weights.keys()];
        const named = names.map((name, i) => [`gradient of ${name}`, grads[i]!]);
        return { value: run(), ...Object.fromEntries(named) };
      }),
  }));
}
