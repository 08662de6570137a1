/** The sizes of isotropic ConvNeXt. */
import type { ConvNeXtBlockConfig } from "./convnext_configs.ts";

/** The config of an isotropic ConvNeXt. */
export interface ConvNeXtIsotropicConfig extends ConvNeXtBlockConfig {
  /** Name of the family. */
  readonly arch: "convnext_isotropic";
  /** Number of blocks. */
  readonly depth: number;
  /** Channels of every block. */
  readonly dim: number;
  /** Odd; pixels of the map. */
  readonly kernelSize: number;
  /** Pixels per side of the stem's patches. */
  readonly patchSize: number;
  /** The rate of the last block; over the blocks before it the rate rises linearly from 0. */
  readonly dropPathRate: number;
}

/** Sizes with the layer scale and the drop path of the official code's recipes. */
const sizes = {
  small: { depth: 18, dim: 384, layerScaleInit: 0, dropPathRate: 0.1 },
  base: { depth: 18, dim: 768, layerScaleInit: 0, dropPathRate: 0.2 },
  large: { depth: 36, dim: 1024, layerScaleInit: 1e-6, dropPathRate: 0.5 },
} as const satisfies Readonly<Record<ConvNeXtIsotropicSize, unknown>>;

/** Name of a size. */
export type ConvNeXtIsotropicSize = "small" | "base" | "large";

/**
 * Isotropic ConvNeXt as the official code has it.
 *
 * @throws {RangeError} If there is no such size.
 */
export function convNeXtIsotropicConfig(size: ConvNeXtIsotropicSize): ConvNeXtIsotropicConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  return {
    arch: "convnext_isotropic",
    ...sizes[size],
    kernelSize: 7,
    batchNorm: false,
    dwconvBias: true,
    patchSize: 16,
  };
}
