/**
 * Turns emoji into pixels. A raster is `[S, S, 4]`, RGBA with premultiplied alpha, the drawing as
 * large as fits and centred.
 */
import sharp from "sharp";
import type { EmojiIdentity, EmojiStyle } from "./catalogue.ts";

/** One emoji in one style. */
export interface Drawing {
  readonly style: EmojiStyle;
  /** Index into {@linkcode EmojiRasters.identities}. */
  readonly identity: number;
}

/** Every drawing, deflated in memory. */
export interface EmojiRasters {
  /** S, in pixels. */
  readonly size: number;
  readonly identities: readonly EmojiIdentity[];
  /** The drawings, sorted by identity, then by style. No two of one identity are equal. */
  readonly drawings: readonly Drawing[];
  /** Drawing `index` as `[S, S, 4]`, premultiplied. @throws {RangeError} If there is none. */
  raster(index: number): Uint8Array;
}

/** An SVG as `[S, S, 4]`, premultiplied, as large as fits and centred. */
export async function rasterise(svg: string, size: number): Promise<Uint8Array> {
  const [, width, height] = svg.match(/ width="([\d.]+)" height="([\d.]+)"/)!;
  // At 72 dots per inch, one unit of the SVG is one pixel.
  const density = 72 * size / Math.max(Number(width), Number(height));
  const raw = await sharp(new TextEncoder().encode(svg), { density })
    .resize(size, size, { fit: "contain", background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .ensureAlpha().toColourspace("srgb").raw().toBuffer();
  for (let i = 0; i < raw.length; i += 4) {
    const alpha = raw[i + 3]!;
    for (let c = i; c < i + 3; c++) raw[c] = Math.round(raw[c]! * alpha / 255);
  }
  return raw;
}
