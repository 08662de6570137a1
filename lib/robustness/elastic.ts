/** Elastic transformation. */
import type { Raster } from "lib/augment/mod.ts";
import { emptyLike, toByte } from "lib/robustness/_bytes.ts";
import { gaussianFilter } from "lib/robustness/_gaussian_filter.ts";
import { borderIndex } from "lib/robustness/_rows.ts";
import type { Draws } from "lib/robustness/draws.ts";

/**
 * Takes each pixel from a place nearby, by smoothed noise.
 *
 * Differs: the files of ImageNet-C were made with an affine map as well, and with other widths at severities 1 and 2; these are
 * the later package's, in proportion to the image.
 *
 * @param strength By which noise of ±0.5 % of the height is multiplied after it was smoothed.
 */
export function elasticTransform(image: Raster, strength: number, draws: Draws): Raster {
  const { width, height, data } = image;
  const right = displacement(image, strength, draws);
  const down = displacement(image, strength, draws);
  const out = emptyLike(image);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const fromX = x + right[p]!;
      const fromY = y + down[p]!;
      const x0 = Math.floor(fromX);
      const y0 = Math.floor(fromY);
      const left = inside(x0, width) * 3;
      const next = inside(x0 + 1, width) * 3;
      const upper = inside(y0, height) * width * 3;
      const lower = inside(y0 + 1, height) * width * 3;
      for (let c = 0; c < 3; c++) {
        const above = mix(data[upper + left + c]!, data[upper + next + c]!, fromX - x0);
        const below = mix(data[lower + left + c]!, data[lower + next + c]!, fromX - x0);
        out.data[p * 3 + c] = toByte(mix(above, below, fromY - y0));
      }
    }
  }
  return out;
}

/** `[height, width]`, in pixels. */
function displacement(
  { width, height }: Raster,
  strength: number,
  { uniform }: Draws,
): Float64Array {
  const most = 0.005 * height;
  const noise = new Float64Array(width * height);
  for (let i = 0; i < noise.length; i++) noise[i] = uniform(-most, most);
  const extent = { width, height, channels: 1 };
  const smooth = gaussianFilter(noise, extent, [0.01 * height, 0.01 * width], {
    truncate: 3,
    border: "reflect",
  });
  for (let i = 0; i < smooth.length; i++) smooth[i]! *= strength;
  return smooth;
}

function inside(at: number, count: number): number {
  return at >= 0 && at < count ? at : borderIndex(at, count, "reflect");
}

function mix(a: number, b: number, share: number): number {
  return a + share * (b - a);
}
