/** BMP pictures, which libvips does not read. */
import { type Raster, raster } from "lib/augment/mod.ts";

/** Whether a file is a BMP, by its first bytes. */
export function isBmp(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/**
 * Decodes a BMP of 1 to 32 bits a pixel; what it says of transparency is ignored, as other programs
 * do.
 *
 * @throws {Error} If it is cut short, or of a kind that the decoder does not know.
 */
export async function decodeBmp(bytes: Uint8Array): Promise<Raster> {
  const { decode } = await import("@cwasm/nsbmp");
  const { width, height, data } = decodeWith(decode, bytes);
  const image = raster(width, height, 3);
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < 3; c++) image.data[3 * p + c] = data[4 * p + c]!;
  }
  return image;
}

function decodeWith<T>(decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return decode(bytes);
  } catch {
    throw new Error("it is a BMP that is damaged, cut short or of a rare kind");
  }
}
