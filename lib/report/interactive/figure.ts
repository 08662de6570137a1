/** Figures whose marks say or show what they are, under the pointer and by the arrow keys. */
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { imageOf, partOutput, svgAddress } from "./part.ts";

/** Pictures of what the marks of a figure stand for. */
export interface MarkPictures {
  /** All of them in one PNG, row by row without gaps, in the order of the marks. */
  readonly png: Uint8Array;
  /** Pictures in a row. */
  readonly columns: number;
  /** Width of a picture in pixels. */
  readonly width: number;
  /** Height of a picture in pixels. */
  readonly height: number;
}

/**
 * A figure for a notebook. Where a mark has a title (Plot's channel of that name), the output shows
 * it; the image in it remains where no script may run. JupyterLab hides the SVG of a notebook that
 * it does not trust, and shows the PNG.
 *
 * @param pictures What the marks show above their titles, one for each; by default nothing.
 * @throws {RangeError} If the output would have more than 1 MB.
 */
export function figureOutput(
  svg: string,
  png: Uint8Array,
  text: string,
  pictures?: MarkPictures,
): DisplayData {
  const still = { "image/png": png.toBase64(), "text/plain": text };
  if (!/<title>/.test(svg)) return { "image/svg+xml": svg, ...still };
  return partOutput({
    kind: "figure",
    body: imageOf(svgAddress(svg), text),
    data: pictures === undefined ? {} : { pictures: { ...pictures, png: pictures.png.toBase64() } },
    text,
    png: still["image/png"],
  });
}
