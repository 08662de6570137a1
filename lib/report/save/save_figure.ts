/** Figures and pictures, shown in the notebook and written to `outputs/figures/`. */
import { show } from "lib/report/notebook/jupyter.ts";
import { checkName, writeOutputs } from "lib/report/save/output_files.ts";
import { toPdf } from "lib/report/draw/pdf.ts";
import { figureOutput } from "lib/report/interactive/figure.ts";
import { type Figure, toPng, toSvg } from "lib/report/draw/plot.ts";

/**
 * Shows a figure, and writes it as SVG, as a PNG of twice the size, and as PDF for papers. Marks
 * that have a title show it under the pointer. The notebook gets SVG and PNG, since JupyterLab hides
 * the SVG of a notebook that it does not trust.
 *
 * @param name Name of the files, without extension: `kernel_size`.
 * @param figure What `plot` or a function of this room returned, or a function that makes it.
 * @throws {RangeError} If the name cannot be a file's name.
 * @throws {TypeError} If the figure is not a single SVG.
 *
 * @example
 * ```ts
 * import { outputsFolder } from "lib/paths.ts";
 * import { plot, saveFigure } from "lib/report/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 * import * as Plot from "@observablehq/plot";
 *
 * const points = [{ x: 1, y: 2 }, { x: 2, y: 3 }];
 * const figure = plot({ marks: [Plot.line(points, { x: "x", y: "y" })] });
 * await saveFigure("two_points", figure); // two_points.svg, .png and .pdf
 * assertTrue(Deno.statSync(`${outputsFolder()}/figures/two_points.png`).isFile, "a picture");
 * ```
 */
export async function saveFigure(name: string, figure: Figure | (() => Figure)): Promise<void> {
  checkName(name);
  const svg = toSvg(typeof figure === "function" ? figure() : figure);
  const png = await toPng(svg);
  await writeOutputs("figures", name, { svg, png, pdf: await toPdf(svg) });
  await show(figureOutput(svg, png, `outputs/figures/${name}.svg, .png and .pdf`));
}

/**
 * Shows a PNG and writes it, as {@linkcode saveFigure} does.
 *
 * @throws {RangeError} If the name cannot be a file's name.
 */
export async function saveImage(name: string, png: Uint8Array): Promise<void> {
  checkName(name);
  await writeOutputs("figures", name, { png });
  await show({ "image/png": png.toBase64(), "text/plain": `outputs/figures/${name}.png` });
}
