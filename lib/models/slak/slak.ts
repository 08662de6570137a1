/**
 * SLaK (Liu et al. 2023): ConvNeXt with kernels beyond 51×51, each the sum of two stripes, k×5 and
 * 5×k, and a small kernel. Weight names are those of the official checkpoints.
 *
 * B batch, H W map, C channels.
 */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { DepthwiseBnParams } from "lib/nn/conv_bn.ts";
import { createLinear } from "lib/nn/linear.ts";
import {
  type BlockOptions,
  createPointwise,
  createStages,
  lastBlocks,
  mixerBlock,
  type PointwiseParams,
  runStages,
  stagesOf,
  type StagesParams,
} from "lib/models/convnext/convnext_stages.ts";
import { createBranches, sumBranches } from "lib/models/parts/large_kernel.ts";
import { type Backbone, type Family } from "lib/models/parts/backbone.ts";
import type { SLaKConfig } from "lib/models/slak/slak_configs.ts";
import { sLaKConfigFacts } from "./slak_schema.ts";

/** Weights of one block. */
export interface SLaKBlockParams extends PointwiseParams {
  readonly large_kernel: {
    readonly LoRA1: DepthwiseBnParams; // [k, 5, C, 1]
    readonly LoRA2: DepthwiseBnParams; // [5, k, C, 1]
    readonly small_conv: DepthwiseBnParams; // [5, 5, C, 1]
  };
}

/** Weights of the backbone; the classification head is not part of it. */
export type SLaKParams = StagesParams<SLaKBlockParams>;

/** SLaK. */
export const sLaKFamily: Family<SLaKConfig> = {
  ...sLaKConfigFacts,
  create: createSLaK,
  stages: stagesOf,
  camLayers: lastBlocks,
  precisions: ["bf16"],
};

/**
 * Builds the backbone.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If depths, dims and kernel sizes differ in number, or a kernel size is even.
 */
function createSLaK(config: SLaKConfig, rng: Rng): Backbone {
  const { dims, kernelSizes } = config;
  if (kernelSizes.length !== dims.length) {
    throw new RangeError(
      `Cannot build stages: need as many kernel sizes as dims, current are ${kernelSizes.length} and ${dims.length}`,
    );
  }
  const params: SLaKParams = createStages(
    config,
    rng,
    (stage, stream) => createBlock(stage, config, stream),
  );
  return {
    params,
    featureDim: dims.at(-1)!,
    headName: "head",
    createHead: (classes, stream) => createLinear(dims.at(-1)!, classes, stream),
    forward: (x, options) => runStages(x, params, config, options, sLaKBlock),
    officialNames: sLaKNames,
  };
}

function createBlock(
  stage: number,
  { dims, kernelSizes, smallKernelSize: small, layerScaleInit }: SLaKConfig,
  rng: Rng,
): SLaKBlockParams {
  const [dim, size] = [dims[stage]!, kernelSizes[stage]!];
  const branches = {
    LoRA1: [size, small],
    LoRA2: [small, size],
    small_conv: small,
  } as const;
  return {
    large_kernel: createBranches(branches, dim, rng.fork("large_kernel")),
    ...createPointwise(dim, layerScaleInit, rng),
  };
}

/** @param x `[B, H, W, C]` */
function sLaKBlock(x: tf.Tensor4D, block: SLaKBlockParams, options: BlockOptions): tf.Tensor4D {
  return mixerBlock(
    x,
    block,
    (x, see) => see("large_kernel", sumBranches(x, block.large_kernel, options)),
    options,
  );
}

/** The stripes' name in the code's first days. */
function sLaKNames(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    names.map((
      name,
    ) => [name, name.replace(/\.large_kernel\.Decom([12])\./, ".large_kernel.LoRA$1.")]),
  );
}
