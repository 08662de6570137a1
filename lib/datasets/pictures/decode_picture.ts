/** From the bytes of a picture to all of its pixels. */
import type { Sharp, SharpOptions } from "sharp";
import type { Raster } from "lib/augment/mod.ts";

/** What JPEG's transform can leave out as it decodes: a picture of an eighth of the side costs a third of the time. */
export type Shrink = 1 | 2 | 4 | 8;

type Open = (bytes: Uint8Array, options?: SharpOptions) => Sharp;
let opening: Promise<Open> | undefined;

/**
 * Loads libvips where a picture is decoded, since it takes a thread a while to. One thread a picture and no cache: pictures come
 * once, and many are decoded at a time. That holds for the whole process, in which libvips has one setting.
 */
function libvips(): Promise<Open> {
  return opening ??= import("sharp").then(({ default: sharp }) => {
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
}

/**
 * Decodes a picture as the reference's loader does (Pillow's `convert("RGB")`), to the last bit for RGB and grey: as stored, not
 * as EXIF would have it turned; colour profiles and transparency are ignored.
 *
 * @param shrink JPEGs only: sides are divided by it and rounded down, what JPEG's transform can leave out is never computed.
 * @throws {Error} If it is no picture, or is cut short.
 */
export async function decodePicture(bytes: Uint8Array, shrink: Shrink = 1): Promise<Raster> {
  const open = await libvips();
  let image = open(bytes, { failOn: "truncated", ignoreIcc: true });
  if (shrink > 1) {
    const { width, height } = await pictureSize(bytes);
    const size = [Math.floor(width / shrink), Math.floor(height / shrink)] as const;
    image = image.resize(...size, { fit: "fill", kernel: "cubic" }); // which has little left to do
  }
  const { data, info } = await image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { data, width, height, channels };
  throw new Error(`it has ${channels} channels`);
}

/** Sides in pixels and format, from the first bytes. @throws {Error} If it is no picture. */
export async function pictureSize(
  bytes: Uint8Array,
): Promise<{ width: number; height: number; format: string }> {
  const open = await libvips();
  const { width, height, format } = await open(bytes).metadata();
  return { width, height, format };
}
