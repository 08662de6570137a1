/** The sizes of isotropic ConvNeXt. */
import type { ConvNeXtBlockConfig } from "./convnext_configs.ts";

export interface ConvNeXtIsotropicConfig extends ConvNeXtBlockConfig {
  readonly arch: "convnext_isotropic";
  readonly depth: number;
  readonly dim: number;
  /** Odd; pixels of the map. */
  readonly kernelSize: number;
  /** Pixels a side of the stem's patches. */
  readonly patchSize: number;
  /** Of the last block; earlier blocks rise to it linearly from 0. */
  readonly dropPathRate: number;
}

/** Depth, dim and, for `large` alone, layer scale and its training's drop path (recipes of the official code). */
const sizes = {
  small: { depth: 18, dim: 384, layerScaleInit: 0, dropPathRate: 0.1 },
  base: { depth: 18, dim: 768, layerScaleInit: 0, dropPathRate: 0.2 },
  large: { depth: 36, dim: 1024, layerScaleInit: 1e-6, dropPathRate: 0.5 },
} as const;

/** @throws {RangeError} If there is no such size. */
export function convNeXtIsotropicConfig(size: keyof typeof sizes): ConvNeXtIsotropicConfig {
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
