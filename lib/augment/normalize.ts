/** ToTensor and Normalize of torchvision in one, by a table look-up per value. */
import type { Raster } from "./raster.ts";

/** Mean and standard deviation of each channel, for pixels scaled to 0–1. */
export interface ChannelStats {
  /** Means of red, green and blue, 0 to 1. */
  readonly mean: readonly [number, number, number];
  /** Standard deviations of red, green and blue, 0 to 1. */
  readonly std: readonly [number, number, number];
}

/** ImageNet's mean and standard deviation, which every recipe of the paper uses. */
export const imageNetStats: ChannelStats = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** `[3, 256]`: the normalised value of every byte of every channel. */
export type NormalizeTable = Float32Array;

/**
 * Computes the normalised value of every byte of every channel.
 *
 * @throws {RangeError} If a standard deviation is not positive.
 */
export function normalizeTable({ mean, std }: ChannelStats): NormalizeTable {
  if (!std.every((s) => s > 0)) {
    throw new RangeError(`Cannot normalise: standard deviations must be positive, are ${std}`);
  }
  return Float32Array.from(
    { length: 768 },
    (_, i) => ((i & 255) / 255 - mean[i >> 8]!) / std[i >> 8]!,
  );
}

/**
 * Writes an image's normalised values, `[height, width, 3]`, to `out` from `offset` on. A grey
 * image fills all three channels.
 *
 * @throws {RangeError} If `out` is too short.
 */
export function normalize(
  { data, width, height, channels }: Raster,
  values: NormalizeTable,
  out: Float32Array,
  offset = 0,
): void {
  const end = offset + width * height * 3;
  if (end > out.length) {
    throw new RangeError(`Cannot write values ${offset} to ${end} of an array of ${out.length}`);
  }
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let i = 0, o = offset; o < end; i += channels, o += 3) {
    out[o] = values[data[i]!]!;
    out[o + 1] = values[256 + data[i + green]!]!;
    out[o + 2] = values[512 + data[i + blue]!]!;
  }
}
