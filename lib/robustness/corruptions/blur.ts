/** Gaussian and glass blur. */
import type { Raster } from "lib/augment/mod.ts";
import { toImage } from "lib/robustness/filters/bytes.ts";
import { gaussianFilter } from "lib/robustness/filters/gaussian_filter.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";

/**
 * Blurs by a Gaussian.
 *
 * @param sigma Standard deviation in pixels.
 */
export function gaussianBlur(image: Raster, sigma: number): Raster {
  return toImage(gaussianFilter(new Float64Array(image.data), image, [sigma, sigma]), image);
}

/**
 * Blurs as frosted glass does: pixels take the colour of another one nearby, between two Gaussian
 * blurs.
 *
 * The reference means to swap the two pixels, but its second write reads what the first wrote; ours
 * does the same.
 *
 * @param sigma Standard deviation of the blurs, in pixels.
 * @param reach Largest distance of the other pixel, in pixels.
 */
export function glassBlur(
  image: Raster,
  sigma: number,
  reach: number,
  rounds: number,
  { int }: Draws,
): Raster {
  const blurred = gaussianBlur(image, sigma);
  const { data, width, height } = blurred;
  for (let round = 0; round < rounds; round++) {
    for (let y = height - reach; y > reach; y--) {
      for (let x = width - reach; x > reach; x--) {
        const dx = int(2 * reach) - reach;
        const dy = int(2 * reach) - reach;
        const from = ((y + dy) * width + x + dx) * 3;
        data.copyWithin((y * width + x) * 3, from, from + 3);
      }
    }
  }
  return gaussianBlur(blurred, sigma);
}
