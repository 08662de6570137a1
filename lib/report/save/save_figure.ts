/** Figures and pictures, shown in the notebook and written to `outputs/figures/`. */
import { show } from "lib/report/notebook/jupyter.ts";
import { checkName, writeOutputs } from "lib/report/save/output_files.ts";
import { type Figure, toPng, toSvg } from "lib/report/draw/plot.ts";

/**
 * Shows a figure, and writes it as SVG and as a PNG of twice the size. The notebook gets both,
 * since JupyterLab hides the SVG of a notebook that it does not trust.
 *
 * @param name Name of the files, without extension: `kernel_size`.
 * @param figure What `plot` or a function of this room returned, or a function that makes it.
 * @throws {RangeError} If the name cannot be a file's name.
 * @throws {TypeError} If the figure is not a single SVG.
 */
export async function saveFigure(name: string, figure: Figure | (() => Figure)): Promise<void> {
  checkName(name);
  const svg = toSvg(typeof figure === "function" ? figure() : figure);
  const png = await toPng(svg);
  await writeOutputs("figures", name, { svg, png });
  await show({
    "image/svg+xml": svg,
    "image/png": png.toBase64(),
    "text/plain": `outputs/figures/${name}.svg and .png`,
  });
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
