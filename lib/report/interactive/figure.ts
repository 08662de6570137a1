/** Figures whose marks say what they are, under the pointer and by the arrow keys. */
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { imageOf, partOutput, svgAddress } from "./part.ts";

/**
 * A figure for a notebook. Where a mark has a title (Plot's channel of that name), the output shows
 * it; the image in it remains where no script may run. JupyterLab hides the SVG of a notebook that
 * it does not trust, and shows the PNG.
 */
export function figureOutput(svg: string, png: Uint8Array, text: string): DisplayData {
  const still = { "image/png": png.toBase64(), "text/plain": text };
  if (!/<title>/.test(svg)) return { "image/svg+xml": svg, ...still };
  return partOutput({
    kind: "figure",
    body: imageOf(svgAddress(svg), text),
    data: {},
    text,
    png: still["image/png"],
  });
}
