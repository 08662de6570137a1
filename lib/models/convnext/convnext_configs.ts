/** The sizes of ConvNeXt and BC-SSL. */
import type { StagesConfig } from "lib/models/convnext/convnext_stages.ts";

/** The config of a ConvNeXt or BC-SSL. */
export interface ConvNeXtConfig extends StagesConfig {
  /** Name of the family. */
  readonly arch: "convnext";
  /**
   * Side of the depthwise kernels, odd, in pixels of the stage's map. One for all stages, or one
   * for each.
   */
  readonly kernelSize: number | readonly number[];
  /** BC-SSL's BatchNorm after the depthwise convolution; the LayerNorm stays after it. */
  readonly batchNorm: boolean;
  /**
   * Whether depthwise convolutions have a bias. ConvNeXt's do; in the paper's BatchNorm ablation
   * (Table 2) none does.
   */
  readonly dwconvBias: boolean;
  /** Initial value of layer scale; 0 builds none. */
  readonly layerScaleInit: number;
}

/**
 * Depths and dims by size. `tiny` to `xlarge`: Liu et al. 2022 and the paper's Table 3; `atto` to
 * `nano`, for laptops: Woo et al. 2023 (ConvNeXt V2, table 15) and timm.
 */
const sizes = {
  atto: { depths: [2, 2, 6, 2], dims: [40, 80, 160, 320] },
  femto: { depths: [2, 2, 6, 2], dims: [48, 96, 192, 384] },
  pico: { depths: [2, 2, 6, 2], dims: [64, 128, 256, 512] },
  nano: { depths: [2, 2, 8, 2], dims: [80, 160, 320, 640] },
  tiny: { depths: [3, 3, 9, 3], dims: [96, 192, 384, 768] },
  small: { depths: [3, 3, 27, 3], dims: [96, 192, 384, 768] },
  base: { depths: [3, 3, 27, 3], dims: [128, 256, 512, 1024] },
  large: { depths: [3, 3, 27, 3], dims: [192, 384, 768, 1536] },
  xlarge: { depths: [3, 3, 27, 3], dims: [256, 512, 1024, 2048] },
} as const satisfies Readonly<Record<ConvNeXtSize, unknown>>;

/** Name of a size; `atto` to `nano` are for laptops. */
export type ConvNeXtSize =
  | "atto"
  | "femto"
  | "pico"
  | "nano"
  | "tiny"
  | "small"
  | "base"
  | "large"
  | "xlarge";

/**
 * The original ConvNeXt: kernels of 7, a bias in the depthwise convolution, no BatchNorm. Drop path
 * as DINO sets it.
 *
 * @throws {RangeError} If there is no such size.
 */
export function convNeXtConfig(size: ConvNeXtSize): ConvNeXtConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  return {
    arch: "convnext",
    ...sizes[size],
    kernelSize: 7,
    batchNorm: false,
    dwconvBias: true,
    patchSize: 4,
    dropPathRate: 0.1,
    layerScaleInit: 1e-6,
  };
}

/**
 * The paper's network (§3.3, Figure 1): no bias in the depthwise convolution, a BatchNorm after it,
 * kernels of 9.
 *
 * @throws {RangeError} If there is no such size.
 *
 * @example
 * ```ts
 * import { bcSslConfig } from "lib/models/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { dims, kernelSize, batchNorm } = bcSslConfig("tiny", { kernelSize: 7 });
 * assertEquals([dims.at(-1), kernelSize, batchNorm], [768, 7, true]);
 * ```
 */
export function bcSslConfig(
  size: ConvNeXtSize,
  { kernelSize = 9 }: Partial<Pick<ConvNeXtConfig, "kernelSize">> = {},
): ConvNeXtConfig {
  return { ...convNeXtConfig(size), kernelSize, batchNorm: true, dwconvBias: false };
}

/** What a block takes from a network's config. */
export type ConvNeXtBlockConfig = Pick<
  ConvNeXtConfig,
  "batchNorm" | "dwconvBias" | "layerScaleInit"
>;
