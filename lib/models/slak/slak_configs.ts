/** The sizes of SLaK. */
import type { StagesConfig } from "lib/models/convnext/convnext_stages.ts";

/** The config of a SLaK. Kernel sizes have one entry per stage. */
export interface SLaKConfig extends StagesConfig {
  /** Name of the family. */
  readonly arch: "slak";
  /** The long side of each stage's two stripes, odd. */
  readonly kernelSizes: readonly number[];
  /** The short side of the stripes and both sides of the small kernel, odd. */
  readonly smallKernelSize: number;
  /** Initial value of layer scale; 0 builds none. */
  readonly layerScaleInit: number;
}

/**
 * Depths, dims before widening, kernels, and the drop path of each size's training. `tiny` to
 * `base`: Liu et al. 2023 and the official scripts. `nano` is ours, for images of 32 to 96 pixels:
 * ConvNeXt-atto's shape.
 */
const sizes = {
  nano: {
    depths: [2, 2, 6, 2],
    dims: [40, 80, 160, 320],
    kernelSizes: [15, 13, 11, 7],
    dropPathRate: 0.1,
  },
  tiny: {
    depths: [3, 3, 9, 3],
    dims: [96, 192, 384, 768],
    kernelSizes: [51, 49, 47, 13],
    dropPathRate: 0.1,
  },
  small: {
    depths: [3, 3, 27, 3],
    dims: [96, 192, 384, 768],
    kernelSizes: [51, 49, 47, 13],
    dropPathRate: 0.4,
  },
  base: {
    depths: [3, 3, 27, 3],
    dims: [128, 256, 512, 1024],
    kernelSizes: [51, 49, 47, 13],
    dropPathRate: 0.5,
  },
} as const satisfies Readonly<Record<SLaKSize, unknown>>;

/** Name of a size; `nano` is for laptops. */
export type SLaKSize = "nano" | "tiny" | "small" | "base";

/**
 * A SLaK, 1.3 times as wide as the ConvNeXt of its size; the official training keeps 40 % of the
 * weights at zero in exchange.
 *
 * Differs: no weight is kept at zero. Sparsity belongs to training (Liu et al. 2023, §3.3) and is
 * not built.
 *
 * @throws {RangeError} If there is no such size.
 */
export function sLaKConfig(
  size: SLaKSize,
  { width = 1.3 }: { readonly width?: number } = {},
): SLaKConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  return {
    arch: "slak",
    ...sizes[size],
    dims: sizes[size].dims.map((dim) => Math.floor(dim * width)), // the official code cuts, too
    smallKernelSize: 5,
    patchSize: 4,
    layerScaleInit: 1e-6,
  };
}
