/** The sizes of Swin. */

/** The config of a Swin. Depths and heads have one entry per layer; each layer has twice the channels of the one before. */
export interface SwinConfig {
  readonly arch: "swin";
  /** Channels of the first layer. */
  readonly embedDim: number;
  readonly depths: readonly number[];
  readonly numHeads: readonly number[];
  /** Tokens a side. A layer whose map, at `imageSize`, is no larger has one window of the map's size, never rolled. */
  readonly windowSize: number;
  /** Pixels a side. */
  readonly patchSize: number;
  /** Pixels a side that the windows of the layers are for. Images of other sizes keep those windows, and pad. */
  readonly imageSize: number;
  /** Of every LayerNorm. */
  readonly normEps: number;
  /** Of the last block; earlier blocks rise to it linearly from 0. */
  readonly dropPathRate: number;
}

/**
 * `tiny` to `base` are Liu et al. 2021's, with EsViT's windows of 7 or 14. `nano`, for laptops, is built for the 32 pixels
 * a side that they train at, with windows of 4, so that its first maps of 8 × 8 are cut and rolled: 0.6 million weights, as
 * many as ViT-nano has.
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
} as const;

export type SwinSize = keyof typeof sizes;

/**
 * A Swin as EsViT trains it.
 *
 * @param options.normEps 1e-5 for weights of the official Swin and of timm's.
 * @throws {RangeError} If there is no such size.
 */
export function swinConfig(
  size: SwinSize,
  options: Partial<Pick<SwinConfig, "windowSize" | "imageSize" | "normEps">> = {},
): SwinConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  const common = { patchSize: 4, normEps: 1e-6, dropPathRate: 0.1 };
  return { arch: "swin", ...sizes[size], ...common, ...options };
}
