/**
 * ConvNeXt (Liu et al. 2022) and BC-SSL, which is ConvNeXt with a bias-free depthwise convolution,
 * a BatchNorm after it, and larger kernels (§3.3, Figure 1). Weight names are those of the official
 * checkpoints.
 *
 * B batch, H W map, C channels.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { createDepthwiseConv2d, depthwiseConv2d, type DepthwiseConv2dParams } from "lib/nn/conv.ts";
import { createLinear } from "lib/nn/linear.ts";
import { hasFamily } from "lib/nn/fused.ts";
import { type Backbone, type Family, type LayerGroups } from "lib/models/parts/backbone.ts";
import { fusedConvNeXtBlock } from "lib/models/convnext/convnext_fused.ts";
import { batchNorm, type BatchNormParams, createBatchNorm } from "lib/nn/norms.ts";
import type { ConvNeXtBlockConfig, ConvNeXtConfig } from "lib/models/convnext/convnext_configs.ts";
import { convNeXtForm, convNeXtNames } from "lib/models/convnext/convnext_names.ts";
import {
  blockEnding,
  type BlockOptions,
  createPointwise,
  createStages,
  eps,
  lastBlocks,
  mixerBlock,
  type PointwiseParams,
  runStages,
  stagesOf,
  type StagesParams,
} from "lib/models/convnext/convnext_stages.ts";
import { convNeXtConfigFacts } from "./convnext_schema.ts";

export type { ConvNeXtConfig } from "lib/models/convnext/convnext_configs.ts";

/** Weights of one block. */
export interface ConvNeXtBlockParams extends PointwiseParams {
  readonly dwconv: DepthwiseConv2dParams; // [k, k, C, 1]
  readonly bn?: BatchNormParams; // [C], BC-SSL only
}

/** Weights of the backbone; the classification head is not part of it. */
export type ConvNeXtParams = StagesParams<ConvNeXtBlockParams>;

/** ConvNeXt and BC-SSL. */
export const convNeXtFamily: Family<ConvNeXtConfig> = {
  ...convNeXtConfigFacts,
  create: createConvNeXt,
  stages: stagesOf,
  camLayers: lastBlocks,
  layerGroups,
  precisions: ["bf16"],
};

/**
 * The groups of ConvNeXt's detectors (mmcv_custom's layer-wise decay): the stem is group 0, the
 * first two stages are 1 and 2; from 3 on, three blocks of the third stage make a group. The last
 * stage belongs to the last of those (6 for ConvNeXt-T, 12 for S). A downsampling belongs to the
 * stage after it, the one before the third stage to group 3.
 */
function layerGroups({ depths }: ConvNeXtConfig): LayerGroups {
  const last = 3 + Math.ceil(depths[2]! / 3);
  const groupOf = (name: string) => {
    const [kind, stage, block] = name.split(".");
    switch (kind) {
      case "downsample_layers":
        return [0, 2, 3, last][Number(stage)]!;
      case "stages":
        return stage === "2" ? 3 + Math.floor(Number(block) / 3) : [1, 2, 3, last][Number(stage)]!;
      default: // the norm of the features, which a detector does not read
        return last + 1;
    }
  };
  return { count: last + 1, of: groupOf };
}

/**
 * Builds the backbone.
 *
 * @throws {TypeError} If an option is unknown or missing.
 * @throws {RangeError} If depths, dims and kernel sizes differ in number, or a kernel size is even.
 */
function createConvNeXt(config: ConvNeXtConfig, rng: Rng): Backbone {
  const kernels = kernelSizes(config);
  const params: ConvNeXtParams = createStages(
    config,
    rng,
    (stage, stream) => createConvNeXtBlock(config.dims[stage]!, kernels[stage]!, config, stream),
  );
  return {
    params,
    featureDim: config.dims.at(-1)!,
    headName: "head",
    createHead: (classes, stream) => createLinear(config.dims.at(-1)!, classes, stream),
    forward: (x, options) => runStages(x, params, config, options, convNeXtBlock),
    officialNames: convNeXtNames,
    weightsForm: (format, { head }) => convNeXtForm(format, config, head),
  };
}

function kernelSizes({ kernelSize, depths }: ConvNeXtConfig): readonly number[] {
  if (typeof kernelSize === "number") return depths.map(() => kernelSize);
  if (kernelSize.length === depths.length) return kernelSize;
  throw new RangeError(
    `Cannot build stages: need one kernel size or ${depths.length}, current are ${kernelSize.length}`,
  );
}

/** One block's weights, for `dim` channels. */
export function createConvNeXtBlock(
  dim: number,
  kernelSize: number,
  { batchNorm, dwconvBias, layerScaleInit }: ConvNeXtBlockConfig,
  rng: Rng,
): ConvNeXtBlockParams {
  return {
    dwconv: createDepthwiseConv2d(kernelSize, dim, rng.fork("dwconv"), { bias: dwconvBias }),
    ...(batchNorm ? { bn: createBatchNorm(dim) } : {}),
    ...createPointwise(dim, layerScaleInit, rng),
  };
}

/**
 * One residual block: depthwise k×k, BatchNorm if it has one, then a two-layer MLP per pixel
 * (Figure 1).
 *
 * @param x `[B, H, W, C]`
 * @returns `[B, H, W, C]`
 */
export function convNeXtBlock(
  x: tf.Tensor4D,
  block: ConvNeXtBlockParams,
  options: BlockOptions,
): tf.Tensor4D {
  const { training, tap } = options;
  if (tap === undefined && (training || !block.bn) && hasFamily("convNeXtBlock")) {
    return tf.tidy(() => {
      const ending = blockEnding(x, block, options);
      const { precision, world } = options;
      return fusedConvNeXtBlock(x, { ...block, ...ending }, { ...ending, eps, precision, world });
    });
  }
  return mixerBlock(x, block, (x, see) => {
    const y = see("dwconv", depthwiseConv2d(x, block.dwconv)); // [B, H, W, C]
    return block.bn ? see("bn", batchNorm(y, block.bn, options)) : y;
  }, options);
}
