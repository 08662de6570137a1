/** A heat map laid over its picture. */
import type { Heatmap } from "lib/explain/mod.ts";
import { type ColourMap, colourMap } from "lib/report/draw/colour_maps.ts";

/**
 * Mixes the picture and the map's colours half and half, then scales to full brightness:
 * pytorch-grad-cam's `show_cam_on_image`, with a colour map for any colour vision unless `jet` is
 * asked for.
 *
 * @param pixels `[H, W, 3]`, 0–255.
 * @returns `[H, W, 3]`, 0–255.
 * @throws {TypeError} If picture and map differ in size.
 */
export function overlayHeatmap(
  pixels: Uint8Array,
  { height, width, values }: Heatmap,
  { colours = "inferno" }: { readonly colours?: ColourMap } = {},
): Uint8Array {
  if (pixels.length !== values.length * 3) {
    throw new TypeError(
      `Cannot lay a map of ${height}×${width} on ${pixels.length} values: need ${height}·${width}·3`,
    );
  }
  const palette = colourMap(colours);
  const mixed = Float64Array.from(pixels, (value, i) => {
    const level = Math.floor(255 * values[Math.floor(i / 3)]!);
    return (value + palette[level]![i % 3]!) / 2;
  });
  const brightest = mixed.reduce((max, value) => Math.max(max, value), 0);
  return Uint8Array.from(mixed, (value) => 255 * value / Math.max(brightest, 1));
}
