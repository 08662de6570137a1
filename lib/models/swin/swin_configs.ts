/** The sizes of Swin. */

/**
 * The config of a Swin. Depths and heads have one entry per layer; each layer has twice the
 * channels of the one before.
 */
export interface SwinConfig {
  /** Name of the family. */
  readonly arch: "swin";
  /** Channels of the first layer. */
  readonly embedDim: number;
  /** Blocks of each layer. */
  readonly depths: readonly number[];
  /** Heads of attention in each block of a layer. */
  readonly numHeads: readonly number[];
  /**
   * Tokens per side of a window. A layer whose map at `imageSize` is no larger has one window of
   * the map's size.
   */
  readonly windowSize: number;
  /** Pixels per side of a patch. */
  readonly patchSize: number;
  /**
   * Pixels per side of the images that windows are chosen for. Images of other sizes keep those
   * windows, and pad.
   */
  readonly imageSize: number;
  /** The eps of every norm. */
  readonly normEps: number;
  /** The rate of the last block; over the blocks before it the rate rises linearly from 0. */
  readonly dropPathRate: number;
  /**
   * With `bn`, a BatchNorm stands before each perceptron, as in MoBY's better Swin-T ("a trick from
   * MoCo v3" in its README): statistics are per channel, over all images and tokens. By default
   * there is a LayerNorm.
   *
   * Differs: the public code makes a new BatchNorm at every pass, which is neither trained nor saved
   * and uses the batch's statistics in evaluation too. This one is an ordinary BatchNorm.
   */
  readonly normBeforeMlp?: "bn";
}

/**
 * `tiny` to `base` are those of Liu et al. 2021, with EsViT's windows of 7 or 14. `nano` is for
 * laptops, which train on images of 32 pixels per side: its windows are 4 tokens per side, so that
 * its first maps of 8 × 8 have several windows, and it has 0.6 million weights, about as many as
 * ViT-nano.
 */
const sizes = {
  nano: {
    embedDim: 16,
    depths: [2, 2, 2, 2],
    numHeads: [1, 2, 4, 8],
    windowSize: 4,
    imageSize: 32,
  },
  tiny: {
    embedDim: 96,
    depths: [2, 2, 6, 2],
    numHeads: [3, 6, 12, 24],
    windowSize: 7,
    imageSize: 224,
  },
  small: {
    embedDim: 96,
    depths: [2, 2, 18, 2],
    numHeads: [3, 6, 12, 24],
    windowSize: 7,
    imageSize: 224,
  },
  base: {
    embedDim: 128,
    depths: [2, 2, 18, 2],
    numHeads: [4, 8, 16, 32],
    windowSize: 7,
    imageSize: 224,
  },
} as const satisfies Readonly<Record<SwinSize, unknown>>;

/** Name of a size; `nano` is for laptops. */
export type SwinSize = "nano" | "tiny" | "small" | "base";

/**
 * A Swin as EsViT trains it.
 *
 * @param options.normEps 1e-5 for weights of the official Swin and of timm's.
 * @throws {RangeError} If there is no such size.
 */
export function swinConfig(
  size: SwinSize,
  options: Partial<Pick<SwinConfig, "windowSize" | "imageSize" | "normEps" | "normBeforeMlp">> = {},
): SwinConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  const common = { patchSize: 4, normEps: 1e-6, dropPathRate: 0.1 };
  return { arch: "swin", ...sizes[size], ...common, ...options };
}
