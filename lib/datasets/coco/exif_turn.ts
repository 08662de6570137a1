/** Turns pictures that a camera stored on their side, as EXIF says. */
import type { Raster } from "lib/augment/mod.ts";

/**
 * Reads EXIF's orientation.
 *
 * @returns 1 to 8; 1 if the picture has none.
 * @throws {Error} If the bytes are not a picture.
 */
export async function orientationOf(bytes: Uint8Array): Promise<number> {
  // imported here, since loading the library takes a while and few callers need it
  const { default: sharp } = await import("sharp");
  return (await sharp(bytes).metadata()).orientation ?? 1;
}

/** Whether the orientation exchanges width and height. */
export function liesOnItsSide(orientation: number): boolean {
  return orientation >= 5;
}

/**
 * Whether to reverse the rows and the columns for each orientation. For 5 to 8, rows and columns
 * are exchanged first.
 */
const reversed: Readonly<Record<number, readonly [rows: boolean, columns: boolean]>> = {
  1: [false, false],
  2: [false, true],
  3: [true, true],
  4: [true, false],
  5: [false, false],
  6: [false, true],
  7: [true, true],
  8: [true, false],
};

/** Returns the picture upright, turned as the orientation says. */
export function turned(stored: Raster, orientation: number): Raster {
  const { data, channels } = stored;
  const swap = liesOnItsSide(orientation);
  const [width, height] = swap ? [stored.height, stored.width] : [stored.width, stored.height];
  const [rows, columns] = reversed[orientation] ?? [false, false];
  const pixels = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [row, column] = [rows ? height - 1 - y : y, columns ? width - 1 - x : x];
      const from = channels * (swap ? column * stored.width + row : row * stored.width + column);
      const to = channels * (y * width + x);
      for (let c = 0; c < channels; c++) pixels[to + c] = data[from + c]!;
    }
  }
  return { ...stored, data: pixels, width, height };
}
