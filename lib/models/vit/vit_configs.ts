/** The sizes of ViT. */

/** The config of a ViT. */
export interface ViTConfig {
  /** Name of the family. */
  readonly arch: "vit";
  /** Length of a token. */
  readonly embedDim: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Heads of attention in each block. */
  readonly numHeads: number;
  /** Pixels per side of a patch. */
  readonly patchSize: number;
  /**
   * Pixels per side of the images that the table of positions is for; other sizes interpolate it.
   */
  readonly imageSize: number;
  /**
   * `batch` is ViT-BN: BatchNorm before each perceptron (Table 3) and, in the one public definition
   * (by MoCo v3's authors), at the end; LayerNorm before attention as in any ViT. Statistics are
   * per channel, over all images and tokens.
   *
   * Differs: the published definition gives `[B, N, C]` to a BatchNorm of C channels, which PyTorch
   * refuses.
   */
  readonly norm: "layer" | "batch";
  /** The rate of the last block; over the blocks before it the rate rises linearly from 0. */
  readonly dropPathRate: number;
  /**
   * With `bn`, a BatchNorm stands before each perceptron, as with `norm: "batch"`, but the last norm
   * stays a LayerNorm. By default all are of the kind that `norm` says.
   */
  readonly normBeforeMlp?: "bn";
  /**
   * `mocov3` is MoCo v3's ViT: its positions are fixed sines and cosines, which no optimiser moves,
   * and its weights have other first values. By default, positions are learned, as in DINO.
   */
  readonly variant?: "mocov3";
}

/**
 * `tiny` to `base` are DINO's sizes, `large` and `huge` those of Dosovitskiy et al. 2021. `nano` is
 * for laptops, which train on images of 32 pixels per side: it has 64 patches and 0.7 million
 * weights, as many as the BC-SSL that the first notebook trains in a quarter of an hour.
 */
const sizes = {
  nano: { embedDim: 96, depth: 6, numHeads: 3, patchSize: 4, imageSize: 32 },
  tiny: { embedDim: 192, depth: 12, numHeads: 3, patchSize: 16, imageSize: 224 },
  small: { embedDim: 384, depth: 12, numHeads: 6, patchSize: 16, imageSize: 224 },
  base: { embedDim: 768, depth: 12, numHeads: 12, patchSize: 16, imageSize: 224 },
  large: { embedDim: 1024, depth: 24, numHeads: 16, patchSize: 16, imageSize: 224 },
  huge: { embedDim: 1280, depth: 32, numHeads: 16, patchSize: 16, imageSize: 224 },
} as const satisfies Readonly<Record<ViTSize, unknown>>;

/** What a ViT may have beside its size. */
export type ViTOptions = Partial<
  Pick<ViTConfig, "patchSize" | "imageSize" | "norm" | "normBeforeMlp">
>;

/** Name of a size; `nano` is for laptops. */
export type ViTSize = "nano" | "tiny" | "small" | "base" | "large" | "huge";

/**
 * A ViT; with `norm: "batch"`, a ViT-BN. Drop path as DINO sets it.
 *
 * @throws {RangeError} If there is no such size.
 */
export function vitConfig(
  size: ViTSize,
  options: ViTOptions = {},
): ViTConfig {
  if (!(size in sizes)) {
    throw new RangeError(`Unknown size "${size}": use ${Object.keys(sizes).join(", ")}`);
  }
  return { arch: "vit", ...sizes[size], norm: "layer", dropPathRate: 0.1, ...options };
}

/**
 * MoCo v3's ViT (moco-v3, vits.py): fixed positions, first values of its own, no drop path, and
 * twelve heads in ViT-S, where DINO's has six.
 *
 * @throws {RangeError} If there is no such size.
 */
export function mocoV3ViTConfig(
  size: ViTSize,
  options: ViTOptions = {},
): ViTConfig {
  const config = vitConfig(size, options);
  const numHeads = size === "small" ? 12 : config.numHeads;
  return { ...config, numHeads, dropPathRate: 0, variant: "mocov3" };
}
