/** PPM pictures in bytes, which libvips is built without: the format of GTSRB. */
import { type Raster, raster } from "lib/augment/mod.ts";

/** Whether a file is a PPM in bytes (not in text), by its first three. */
export function isPpm(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x36 && /[\s#]/.test(String.fromCharCode(bytes[2] ?? 0));
}

/**
 * Decodes a PPM of 8 bits a channel.
 *
 * @throws {Error} If it is cut short, or of more bits.
 */
export function decodePpm(bytes: Uint8Array): Raster {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 1024));
  const gap = String.raw`(?:\s|#.*\n)+`; // blanks and comments
  const header = new RegExp(`^P6${gap}(\\d+)${gap}(\\d+)${gap}(\\d+)\\s`).exec(start);
  if (!header) throw new Error("it is a PPM whose header is damaged");
  const [width, height, largest] = header.slice(1).map(Number) as [number, number, number];
  if (largest !== 255) throw new Error(`it is a PPM with values up to ${largest}, not 255`);
  const image = raster(width, height, 3);
  const pixels = bytes.subarray(header[0].length, header[0].length + image.data.length);
  if (pixels.length < image.data.length) throw new Error("it is a PPM that is cut short");
  image.data.set(pixels);
  return image;
}
