/** The sizes of iGPT. */

/** The config of an iGPT. */
export interface IGptConfig {
  /** Name of the family. */
  readonly arch: "igpt";
  /** Length of the vector of a position. */
  readonly embedDim: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Heads of attention in each block. */
  readonly numHeads: number;
  /** Pixels per side of the images. */
  readonly imageSize: number;
  /**
   * Pixels per side of the squares that are averaged to one position; 1 if images are small
   * already. It divides `imageSize`.
   */
  readonly patchSize: number;
  /** Number of colours K in the palette. */
  readonly colours: number;
  /**
   * Number of the block, from 0, whose normed input has the features: the mean over all positions.
   */
  readonly featureBlock: number;
  /**
   * False: each position sees those before it alone, in order to predict its colour. True: each
   * sees all others, of which some are hidden in training, as in BERT.
   */
  readonly masked: boolean;
}

/**
 * `small` to `large` are those of Chen et al. 2020 (the official code's options). `nano` is for
 * laptops: 0.1 million weights, and images of 32 pixels a side averaged to 16 × 16 positions.
 */
const sizes = {
  nano: { embedDim: 48, depth: 4, numHeads: 4, patchSize: 2, colours: 32 },
  small: { embedDim: 512, depth: 24, numHeads: 8, patchSize: 1, colours: 512 },
  medium: { embedDim: 1024, depth: 36, numHeads: 8, patchSize: 1, colours: 512 },
  large: { embedDim: 1536, depth: 48, numHeads: 16, patchSize: 1, colours: 512 },
} as const satisfies Readonly<Record<IGptSize, unknown>>;

/** Name of a size; `nano` is for laptops. */
export type IGptSize = "nano" | "small" | "medium" | "large";

/**
 * An iGPT for images of 32 pixels a side, whose features are those of the middle block.
 *
 * @throws {RangeError} If there is no such size.
 */
export function iGptConfig(
  size: IGptSize,
  { masked = false }: Partial<Pick<IGptConfig, "masked">> = {},
): IGptConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  const featureBlock = sizes[size].depth / 2;
  return { arch: "igpt", ...sizes[size], imageSize: 32, featureBlock, masked };
}
