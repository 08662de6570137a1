/** Receptive fields as pictures, and their size against the kernel size. */
import * as Plot from "@observablehq/plot";
import type { FieldOfKernel } from "lib/experiments/mod.ts";
import { pooledContributions } from "lib/explain/mod.ts";
import { colourMap } from "lib/report/draw/colour_maps.ts";
import { type GridImages, imageGridPng } from "lib/report/draw/image_grid.ts";
import type { SliderFrame } from "lib/report/interactive/slider.ts";
import { axisLabel, colours, type Figure, plot } from "lib/report/draw/plot.ts";

const drawnSide = 128; // pixels; single pixels are mostly noise
// share of its maximum where a map turns black: contributions fall off by orders of magnitude
const decades = 4;

/**
 * Contribution maps as images for `imageGrid`, averaged over squares to at most
 * {@linkcode drawnSide} pixels a side. The scale is logarithmic: bright where a square contributes
 * as much as the strongest, black at a ten-thousandth of it and below.
 *
 * @throws {RangeError} If there is no map, or the maps differ in size.
 */
export function contributionImages(fields: readonly FieldOfKernel[]): GridImages {
  const full = fields[0]?.map.side;
  if (full === undefined || fields.some(({ map }) => map.side !== full)) {
    throw new RangeError(`Cannot lay out ${fields.length} maps: need some, all of one size`);
  }
  const palette = colourMap("magma");
  const { side } = pooledContributions(fields[0]!.map, drawnSide);
  const pixels = new Uint8Array(fields.length * side * side * 3);
  fields.forEach(({ map }, i) => {
    const { values } = pooledContributions(map, drawnSide);
    const most = values.reduce((max, value) => Math.max(max, value), 0);
    values.forEach((value, p) => {
      const level = 1 + Math.log10(Math.max(value / most, 1e-30)) / decades;
      pixels.set(palette[Math.round(255 * Math.max(level, 0))]!, (i * side * side + p) * 3);
    });
  });
  return { width: side, height: side, pixels };
}

/**
 * The same maps one at a time, for `slider`.
 *
 * @throws {RangeError} As {@linkcode contributionImages}.
 */
export async function contributionFrames(
  fields: readonly FieldOfKernel[],
): Promise<SliderFrame[]> {
  const { pixels, ...size } = contributionImages(fields);
  const one = pixels.length / fields.length;
  const frames = fields.map(async ({ kernelSize, half, most }, i) => {
    const images = { ...size, pixels: pixels.subarray(i * one, (i + 1) * one) };
    return {
      at: `${kernelSize}×${kernelSize}`,
      picture: await imageGridPng(images, { columns: 1, scale: 3 }),
      says:
        `half of all influence comes from a square of ${half} pixels, nine tenths from one of ${most}`,
    };
  });
  return await Promise.all(frames);
}

/**
 * Draws the size of the field against the kernel size: a line for each share of all contributions.
 */
export function receptiveFieldFigure(fields: readonly FieldOfKernel[]): Figure {
  const lines = [["half of it", "half"], ["nine tenths of it", "most"]] as const;
  const points = fields.flatMap((field) =>
    lines.map(([share, key]) => ({ share, kernel: field.kernelSize, side: field[key] }))
  );
  const last = points.filter(({ kernel }) => kernel === Math.max(...points.map((p) => p.kernel)));
  return plot({
    width: 560,
    height: 320,
    marginLeft: 56,
    marginRight: 120,
    marginBottom: 44,
    x: {
      ticks: fields.map(({ kernelSize }) => kernelSize),
      tickFormat: "d",
      ...axisLabel("kernel size", "center"),
    },
    y: { grid: true, zero: true, ...axisLabel("side of the square that holds … (pixels)", "top") },
    color: { domain: lines.map(([share]) => share), range: [colours.blue, colours.vermilion] },
    marks: [
      Plot.ruleY([0]),
      Plot.line(points, { x: "kernel", y: "side", stroke: "share", strokeWidth: 2 }),
      Plot.dot(points, { x: "kernel", y: "side", fill: "share", symbol: "share", r: 4.5 }),
      Plot.text(last, {
        x: "kernel",
        y: "side",
        text: "share",
        fill: "share",
        dx: 10,
        textAnchor: "start",
      }),
    ],
  });
}
