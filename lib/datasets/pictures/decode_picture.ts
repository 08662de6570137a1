/** Decodes pictures: from bytes to pixels. */
import type { Sharp, SharpOptions } from "sharp";
import { type Raster, raster } from "lib/augment/mod.ts";
import { decodeBmp, isBmp } from "./bmp.ts";
import { decodePpm, isPpm } from "./ppm.ts";

/**
 * Divisors of a JPEG's sides while it is decoded: an eighth of the side costs a third of the time.
 */
export type Shrink = 1 | 2 | 4 | 8;

type Open = (bytes: Uint8Array, options?: SharpOptions) => Sharp;
let opening: Promise<Open> | undefined;

/**
 * Loads libvips in the thread that decodes, as loading takes a while. It works with one thread a
 * picture and without a cache, since many pictures are decoded at a time and each only once. These
 * settings hold for the whole process.
 */
function libvips(): Promise<Open> {
  return opening ??= import("sharp").then(({ default: sharp }) => {
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
}

/**
 * Decodes a picture as the reference's loader does (Pillow's `convert("RGB")`), to the last bit for
 * RGB and grey: pixels as they are stored. EXIF's orientation, colour profiles and transparency are
 * ignored.
 *
 * @param shrink For JPEGs only: divides the sides, rounded down. What is left out is never
 *   computed.
 * @throws {Error} If it is no picture, or is cut short.
 */
export async function decodePicture(bytes: Uint8Array, shrink: Shrink = 1): Promise<Raster> {
  const other = await decodeOther(bytes);
  if (other) return other;
  const open = await libvips();
  let image = open(bytes, { failOn: "truncated", ignoreIcc: true });
  if (shrink > 1) {
    const { width, height } = await pictureSize(bytes);
    const size = [Math.floor(width / shrink), Math.floor(height / shrink)] as const;
    image = image.resize(...size, { fit: "fill", kernel: "cubic" }); // which has little left to do
  }
  return await threeChannels(image.removeAlpha());
}

const grey = { r: 128, g: 128, b: 128 } as const; // neither black nor white is neutral

/**
 * Decodes a picture as a viewer shows it: turned as EXIF says, transparent parts on grey.
 *
 * @param size Pixels a side, if only so many are wanted: the short side is resized to it, and the
 *   centre kept. JPEGs are shrunk while they are decoded.
 * @throws {Error} If it is no picture, or is cut short.
 */
export async function decodeUpright(bytes: Uint8Array, size?: number): Promise<Raster> {
  const open = await libvips();
  const other = await decodeOther(bytes);
  const image = other ? ofRaster(open, other) : open(bytes, { failOn: "truncated" });
  const turned = image.autoOrient();
  const sized = size === undefined
    ? turned
    : turned.resize(size, size, { fit: "cover", kernel: "cubic" });
  return await threeChannels(sized.flatten({ background: grey }));
}

/** Decodes the kinds of pictures that libvips does not read; `undefined` for all others. */
async function decodeOther(bytes: Uint8Array): Promise<Raster | undefined> {
  if (isBmp(bytes)) return await decodeBmp(bytes);
  if (isPpm(bytes)) return decodePpm(bytes);
}

function ofRaster(open: Open, { data, width, height }: Raster): Sharp {
  return open(data, { raw: { width, height, channels: 3 } });
}

/** The pixels in RGB, 8 bits a channel. */
async function threeChannels(image: Sharp): Promise<Raster> {
  const { data, info } = await image.toColourspace("srgb").raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { data, width, height, channels };
  if (channels !== 1) throw new Error(`it has ${channels} channels`);
  const colour = raster(width, height, 3);
  for (let i = 0; i < data.length; i++) colour.data.fill(data[i]!, 3 * i, 3 * i + 3);
  return colour;
}

/**
 * Reads the sides in pixels and the format from the first bytes.
 *
 * @throws {Error} If it is no picture.
 */
export async function pictureSize(
  bytes: Uint8Array,
): Promise<{ width: number; height: number; format: string }> {
  const other = await decodeOther(bytes);
  if (other) {
    return { width: other.width, height: other.height, format: isBmp(bytes) ? "bmp" : "ppm" };
  }
  const open = await libvips();
  const { width, height, format } = await open(bytes).metadata();
  return { width, height, format };
}
