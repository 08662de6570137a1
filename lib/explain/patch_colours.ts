/**
 * Features of patches as colours: their first three principal components as red, green and blue,
 * after Figure 1 of DINOv2 (Oquab et al. 2023).
 *
 * B images, H W map, C channels, P = B·H·W patches.
 */
import type { PatchFeatures } from "lib/explain/patch_features.ts";
import { principalComponents, projections } from "lib/explain/principal_components.ts";

/** Which patches count as background and stay black. */
export interface PatchColoursOptions {
  /**
   * Whether patches of the background are left black. By default they are; otherwise all patches
   * take part in one analysis and get a colour.
   */
  readonly foregroundOnly?: boolean;
}

/** The colours of all patches of some images. */
export interface PatchColours {
  /** B */
  readonly images: number;
  /** H, positions. */
  readonly height: number;
  /** W, positions. */
  readonly width: number;
  /** `[B, H, W, 3]`, 0–255; black where a patch counts as background. */
  readonly pixels: Uint8Array;
  /** `[B, H, W]`: whether a patch has a colour. */
  readonly foreground: readonly boolean[];
  /** Shares of the coloured patches' variance that the three components show. */
  readonly shares: readonly number[];
}

/**
 * Colours for the patches of some images, by two analyses over all of them together: alike patches
 * of different images get alike colours. The first finds the foreground, which is where the first
 * component is positive. The second, of the foreground alone, gives red, green and blue: each of
 * its first three components is scaled so that the smallest value is 0 and the largest 255.
 *
 * Differs: which end of the first component is the object, DINOv2's authors decide by looking. Here
 * it is the end that the patches along the edges of the images lie less on, as objects seldom touch
 * an edge. Where no patch is inside the edges, that is, with maps of two positions a side, all patches
 * count as foreground.
 *
 * @throws {RangeError} If a feature is not finite, or there are fewer than three channels.
 *
 * @example
 * ```ts
 * import { patchColours } from "lib/explain/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * // one image of 3 × 3 patches with 3 channels: the one in the middle differs from its edge
 * const values = Float32Array.from({ length: 27 }, (_, i) => Math.floor(i / 3) === 4 ? 1 : 0);
 * const { foreground } = patchColours({ images: 1, height: 3, width: 3, channels: 3, values });
 * assertEquals(foreground.map(Number), [0, 0, 0, 0, 1, 0, 0, 0, 0]);
 * ```
 */
export function patchColours(
  features: PatchFeatures,
  { foregroundOnly = true }: PatchColoursOptions = {},
): PatchColours {
  const { images, height, width, channels, values } = features;
  if (channels < 3) {
    throw new RangeError(
      `Cannot colour patches by three components: they have ${channels} channels`,
    );
  }
  const foreground = foregroundOnly
    ? foregroundOf(features)
    : Array.from({ length: images * height * width }, () => true);
  const shown = foreground.flatMap((is, patch) => is ? [patch] : []);
  const rows = new Float32Array(shown.length * channels);
  shown.forEach((patch, i) =>
    rows.set(values.subarray(patch * channels, (patch + 1) * channels), i * channels)
  );
  const components = principalComponents(rows, channels, 3);
  const pixels = new Uint8Array(foreground.length * 3);
  projections(rows, components).map(bytesOf).forEach((bytes, colour) =>
    bytes.forEach((byte, i) => pixels[shown[i]! * 3 + colour] = byte)
  );
  return { images, height, width, pixels, foreground, shares: components.shares };
}

/** Whether each patch lies on the object's side of the first component's mean. */
function foregroundOf({ images, height, width, channels, values }: PatchFeatures): boolean[] {
  const [first] = projections(values, principalComponents(values, channels, 1));
  const sums = { edge: 0, inside: 0 };
  const counts = { edge: 0, inside: 0 };
  first!.forEach((value, patch) => {
    const [y, x] = [Math.floor(patch / width) % height, patch % width];
    const place = y % (height - 1) === 0 || x % (width - 1) === 0 ? "edge" : "inside";
    sums[place] += value;
    counts[place]++;
  });
  if (counts.inside === 0) return Array.from({ length: images * height * width }, () => true);
  const sign = sums.inside / counts.inside < sums.edge / counts.edge ? -1 : 1;
  const found = Array.from(first!, (value) => sign * value > 0);
  return found.includes(true) ? found : found.map(() => true); // all patches are equal
}

/** Scales values to 0–255; all alike, they are in the middle. */
function bytesOf(values: Float64Array): number[] {
  const least = values.reduce((min, value) => Math.min(min, value), Infinity);
  const most = values.reduce((max, value) => Math.max(max, value), -Infinity);
  if (most === least) return Array.from(values, () => 128);
  return Array.from(values, (value) => Math.round(255 * (value - least) / (most - least)));
}
