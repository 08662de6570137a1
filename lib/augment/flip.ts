/** Horizontal flip. */
import type { Raster } from "./raster.ts";

/** Mirrors an image left to right, in place. */
export function flipHorizontal({ data, width, height, channels }: Raster): void {
  const rowLength = width * channels;
  for (let y = 0; y < height; y++) {
    let left = y * rowLength;
    let right = left + rowLength - channels;
    for (; left < right; left += channels, right -= channels) {
      for (let c = 0; c < channels; c++) {
        const value = data[left + c]!;
        data[left + c] = data[right + c]!;
        data[right + c] = value;
      }
    }
  }
}
