/** The sizes of RepLKNet. */

/** The config of a RepLKNet. Depths, dims and kernel sizes have one entry per stage. */
export interface RepLKNetConfig {
  /** Name of the family. */
  readonly arch: "replknet";
  /** Pairs of a large-kernel block and a feed-forward one. */
  readonly depths: readonly number[];
  /** Channels of each stage. */
  readonly dims: readonly number[];
  /** Side of the large kernels, odd, in pixels of the stage's map. */
  readonly kernelSizes: readonly number[];
  /** Side of the small kernel that is trained beside each large one, odd. */
  readonly smallKernelSize: number;
  /** Whether each pair of kernels is merged into one, for evaluation: see `reparameterize()`. */
  readonly merged: boolean;
  /** The rate of the last pair; over the pairs before it the rate rises linearly from 0. */
  readonly dropPathRate: number;
  /**
   * First value of the scale of the BatchNorm that ends each branch; by default 1, as in the official
   * code. Less makes a new network's blocks closer to the identity, as `layerScaleInit` does in a
   * ConvNeXt.
   */
  readonly branchScaleInit?: number;
}

/** 31B and 31L: Ding et al. 2022, table 4. `nano` is ours, for images of 32 to 96 pixels. */
const sizes = {
  nano: { depths: [1, 1, 4, 1], dims: [32, 64, 128, 256], kernelSizes: [15, 13, 11, 7] },
  "31B": { depths: [2, 2, 18, 2], dims: [128, 256, 512, 1024], kernelSizes: [31, 29, 27, 13] },
  "31L": { depths: [2, 2, 18, 2], dims: [192, 384, 768, 1536], kernelSizes: [31, 29, 27, 13] },
} as const satisfies Readonly<Record<RepLKNetSize, unknown>>;

/** Name of a size; `nano` is for laptops. */
export type RepLKNetSize = "nano" | "31B" | "31L";

/**
 * A RepLKNet in the form for training, with the official code's stochastic depth.
 *
 * @throws {RangeError} If there is no such size.
 */
export function repLKNetConfig(size: RepLKNetSize): RepLKNetConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  return {
    arch: "replknet",
    ...sizes[size],
    smallKernelSize: 5,
    merged: false,
    dropPathRate: 0.3,
  };
}
