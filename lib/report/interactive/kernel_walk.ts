/** A convolution by hand: a kernel that the reader slides over a picture. */
import type { GridImages } from "lib/report/draw/image_grid.ts";
import { fontFamily, toPng } from "lib/report/draw/plot.ts";
import { escapeXml } from "lib/report/draw/text.ts";
import { show } from "lib/report/notebook/jupyter.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { imageOf, partOutput, svgAddress } from "./part.ts";

/** A kernel by name. */
export interface NamedKernel {
  /** What it does, in a word or two: `vertical edges`. */
  readonly name: string;
  /** k rows of k weights; k is odd. */
  readonly weights: readonly (readonly number[])[];
}

/** A square of k × k weights that are equal and add up to 1. */
function meanOf(k: number): number[][] {
  return Array.from({ length: k }, () => Array(k).fill(1 / k ** 2));
}

/** Kernels to begin with: edges, spots, and means over two sizes. */
export const exampleKernels: readonly NamedKernel[] = [
  { name: "vertical edges, 3×3", weights: [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]] },
  { name: "horizontal edges, 3×3", weights: [[-1, -2, -1], [0, 0, 0], [1, 2, 1]] },
  { name: "spots, 3×3", weights: [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]] },
  { name: "mean, 3×3", weights: meanOf(3) },
  { name: "mean, 9×9", weights: meanOf(9) },
];

const [cell, gap, top, margin] = [14, 36, 28, 6]; // pixels
const titleWidth = 300; // of the words above the map
const mostSide = 24; // more would be too small to point at, and the output too large
const levels = 41; // colours of the map, an odd number: the middle one is 0

/**
 * Shows a small picture in grey, a kernel over it, and the map that the kernel makes of it. The
 * reader moves the kernel with the pointer or the arrow keys; below stand the products of pixels
 * and weights, and their sum. Pixels go from −1 for black to 1 for white; beyond the picture
 * everything is 0, as in the networks here.
 *
 * @param images The first of them is shown; square, with at most 24 pixels a side.
 * @param kernels The first of them is chosen at first.
 * @throws {RangeError} If the picture is not square or too large, or a kernel has no odd size.
 *
 * @example
 * ```ts
 * import { exampleKernels, kernelWalk } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const pixels = Uint8Array.from({ length: 6 * 6 * 3 }, (_, i) => i % 18 < 9 ? 0 : 255); // an edge
 * await kernelWalk({ height: 6, width: 6, pixels }, exampleKernels);
 * assertEquals(exampleKernels[0]!.weights.length, 3);
 * ```
 */
export async function kernelWalk(
  images: GridImages,
  kernels: readonly NamedKernel[] = exampleKernels,
): Promise<void> {
  await show(await kernelOutput(images, kernels));
}

/** The output of {@linkcode kernelWalk}. @throws As it does. */
export async function kernelOutput(
  images: GridImages,
  kernels: readonly NamedKernel[],
): Promise<DisplayData> {
  const { width: side } = images;
  if (images.height !== side || side > mostSide) {
    throw new RangeError(
      `Cannot walk over a picture of ${images.height}×${side}: need a square of at most ${mostSide} pixels a side`,
    );
  }
  for (const { name, weights } of kernels) {
    if (weights.length % 2 === 0 || weights.some((row) => row.length !== weights.length)) {
      throw new RangeError(`Cannot walk with "${name}": need an odd number of rows, each as long`);
    }
  }
  const values = greyOf(images);
  const svg = drawing(side, values, mapOf(values, side, kernels[0]!.weights));
  const left = [margin, margin + side * cell + gap];
  return partOutput({
    kind: "kernel",
    body:
      imageOf(svgAddress(svg), `A picture and what the kernel "${kernels[0]!.name}" makes of it`) +
      `<p class="said" role="status">Left the picture, right what the kernel "${
        escapeXml(kernels[0]!.name)
      }" makes of it: at each place the sum of pixel × weight.</p>`,
    data: { side, values, kernels, cell, left, top, colours },
    text: `A picture of ${side}×${side} and what ${kernels.length} kernels make of it`,
    png: (await toPng(svg, { colours: 64 })).toBase64(),
  });
}

/**
 * The first picture in grey, as networks get it: from −1 for black over 0 for the grey in the middle
 * to 1 for white, in hundredths. The weights of the channels are Rec. 601's.
 */
function greyOf({ width, height, pixels }: GridImages): number[] {
  return Array.from({ length: width * height }, (_, i) => {
    const [r, g, b] = pixels.subarray(3 * i, 3 * i + 3);
    return Math.round((0.299 * r! + 0.587 * g! + 0.114 * b!) / 1.275 - 100) / 100;
  });
}

/** What a kernel makes of a picture: a correlation, as in networks, with zeros around it. */
export function mapOf(
  values: readonly number[],
  side: number,
  weights: NamedKernel["weights"],
): number[] {
  const reach = (weights.length - 1) / 2;
  return values.map((_, at) => {
    const [row, column] = [Math.floor(at / side), at % side];
    let sum = 0;
    weights.forEach((line, i) =>
      line.forEach((weight, j) => {
        const [y, x] = [row + i - reach, column + j - reach];
        if (y >= 0 && x >= 0 && y < side && x < side) sum += weight * values[y * side + x]!;
      })
    );
    return sum;
  });
}

/** Colours from −1 over 0 to 1: blue, white, vermilion. */
const colours = Array.from({ length: levels }, (_, level) => {
  const share = 2 * level / (levels - 1) - 1;
  const end = share < 0 ? [0, 114, 178] : [213, 94, 0];
  const mixed = end.map((channel) => Math.round(255 + (channel - 255) * Math.abs(share)));
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
});

function drawing(side: number, values: readonly number[], map: readonly number[]): string {
  const right = margin + side * cell + gap;
  const width = right + Math.max(side * cell + margin, titleWidth);
  const height = top + side * cell + margin;
  const most = Math.max(...map.map(Math.abs), 1e-9);
  const middle = (levels - 1) / 2;
  const grey = values.map((value) => {
    const channel = Math.round(127.5 * (1 + value)).toString(16).padStart(2, "0");
    return `#${channel.repeat(3)}`;
  });
  const signed = map.map((value) => colours[Math.round(middle * (1 + value / most))]!);
  const grid = (name: string, left: number, fills: readonly string[]) => {
    const cells = fills.map((fill, i) => {
      const [x, y] = [(i % side) * cell, Math.floor(i / side) * cell];
      return `<rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${fill}"/>`;
    });
    return `<g class="${name}" transform="translate(${left} ${top})" stroke="#bbb" ` +
      `stroke-width="0.5">${cells.join("")}</g>`;
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="${fontFamily}" font-size="13">` +
    `<rect width="100%" height="100%" fill="white"/>` +
    `<text x="${margin}" y="18">picture</text>` +
    `<text x="${right}" y="18">what the kernel makes of it (blue: below 0)</text>` +
    grid("picture", margin, grey) + grid("map", right, signed) + "</svg>";
}
