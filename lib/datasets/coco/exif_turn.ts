/** Pictures that a camera stored lying: EXIF says how to turn them. */
import type { Raster } from "lib/augment/mod.ts";

/** EXIF's orientation: 1 to 8, 1 where nothing is said. @throws {Error} If it is no picture. */
export async function orientationOf(bytes: Uint8Array): Promise<number> {
  // The library is loaded only where a picture is read, since loading it takes a while.
  const { default: sharp } = await import("sharp");
  return (await sharp(bytes).metadata()).orientation ?? 1;
}

/** Whether turning exchanges width and height. */
export function liesOnItsSide(orientation: number): boolean {
  return orientation >= 5;
}

/**
 * Whether rows run backwards, and whether columns do, after rows and columns were exchanged where
 * they are to be.
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

/** The picture as it is to be seen, from how it is stored. */
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
