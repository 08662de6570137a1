/**
 * The residual block of ConvNeXt and BC-SSL as a picture (the paper's Figure 1), drawn from the
 * config of the network.
 */
import * as Plot from "@observablehq/plot";
import type { ConvNeXtConfig } from "lib/models/mod.ts";
import { colours, type Figure, grey, plot } from "lib/report/draw/plot.ts";

/** A block to draw. */
export interface DrawnBlock {
  /** Text above the block. */
  readonly title: string;
  /** The network whose first block is drawn. */
  readonly config: ConvNeXtConfig;
}

/** One box of the drawing. `changed` marks what BC-SSL changes. */
interface Box {
  readonly label: string;
  readonly detail: string;
  readonly changed: boolean;
}

/** The block's modules in order, with the channels of the first stage. */
function boxesOf(
  { batchNorm, dwconvBias, dims, kernelSize, layerScaleInit }: ConvNeXtConfig,
): Box[] {
  const dim = dims[0]!;
  const k = typeof kernelSize === "number" ? kernelSize : kernelSize[0]!;
  const box = (label: string, detail: string, changed = false) => ({ label, detail, changed });
  return [
    box(`depthwise ${k}×${k}`, `${dim}, ${dwconvBias ? "with" : "no"} bias`, batchNorm),
    ...(batchNorm ? [box("BatchNorm", `${dim}`, true)] : []),
    box("LayerNorm", `${dim}`),
    box("linear", `${dim} → ${4 * dim}`),
    box("GELU", `${4 * dim}`),
    box("linear", `${4 * dim} → ${dim}`),
    ...(layerScaleInit > 0 ? [box("layer scale", `from ${layerScaleInit}`)] : []),
  ];
}

// pixels: width of a box, gap between boxes, distance of two blocks
const [width, gap, column] = [150, 24, 260];
const height = 34;

/**
 * Draws blocks side by side, top to bottom, each with its shortcut; what BC-SSL changes is
 * coloured.
 *
 * @example
 * ```ts
 * import { blockDiagram, saveFigure } from "lib/report/mod.ts";
 * import { bcSslConfig, convNeXtConfig } from "lib/models/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const blocks = [
 *   { title: "ConvNeXt", config: convNeXtConfig("tiny") },
 *   { title: "BC-SSL", config: bcSslConfig("tiny") },
 * ];
 * const figure = blockDiagram(blocks);
 * assertTrue(figure.outerHTML.includes("BatchNorm"), "what BC-SSL adds");
 * await saveFigure("blocks", figure);
 * ```
 */
export function blockDiagram(blocks: readonly DrawnBlock[]): Figure {
  const drawn = blocks.map(({ title, config }, i) => ({
    title,
    boxes: boxesOf(config),
    x: i * column,
  }));
  const longest = Math.max(...drawn.map(({ boxes }) => boxes.length));
  const bottom = (longest + 1) * (height + gap);
  const boxes = drawn.flatMap(({ boxes, x }) => {
    const first = (longest - boxes.length) / 2; // shorter blocks are centred
    return boxes.map((box, j) => ({ ...box, x, y: gap + (first + j) * (height + gap) + 10 }));
  });
  const lines = drawn.flatMap(({ x }) => shortcut(x, bottom));
  const plusses = drawn.map(({ x }) => ({ x, y: bottom - gap / 2 }));
  const ink = (box: Box) => box.changed ? colours.vermilion : grey;
  return plot({
    width: column * blocks.length + 20,
    height: bottom + 60,
    axis: null,
    margin: 10,
    x: { domain: [-width / 2 - 45, column * blocks.length - width / 2 - 45] },
    y: { domain: [bottom + 12, -28] },
    marks: [
      Plot.line(lines, { x: "x", y: "y", z: "line", stroke: grey, strokeWidth: 1.5 }),
      Plot.arrow(arrows(drawn.map(({ x }) => x), boxes, bottom), {
        x1: "x",
        x2: "x",
        y1: "from",
        y2: "to",
        stroke: grey,
        headLength: 6,
      }),
      Plot.rect(boxes, {
        x1: (b) => b.x - width / 2,
        x2: (b) => b.x + width / 2,
        y1: "y",
        y2: (b) => b.y + height,
        fill: "white",
        stroke: ink,
        strokeWidth: (b) => b.changed ? 2 : 1,
        rx: 4,
      }),
      Plot.text(boxes, {
        x: "x",
        y: (b) => b.y + height / 2,
        text: (b) => `${b.label}\n${b.detail}`,
        fill: (b) => b.changed ? colours.vermilion : "black",
        fontSize: 12,
        lineHeight: 1.15,
      }),
      Plot.dot(plusses, { x: "x", y: "y", r: 9, fill: "white", stroke: grey }),
      Plot.text(plusses, { x: "x", y: "y", text: () => "+", fontSize: 15 }),
      Plot.text(drawn, { x: "x", y: () => -20, text: "title", fontSize: 14, fontWeight: "bold" }),
    ],
  });
}

/** Line of the shortcut: from above the first box, around all boxes, to the sum. */
function shortcut(x: number, bottom: number) {
  const side = x - width / 2 - 30;
  const sum = bottom - gap / 2;
  return [[x, 4], [side, 4], [side, sum], [x - 9, sum]].map(([px, y]) => ({ x: px, y, line: x }));
}

/** Arrows from the top to the first box, from box to box, and through the sum. */
function arrows(xs: readonly number[], boxes: readonly { x: number; y: number }[], bottom: number) {
  return xs.flatMap((x) => {
    const own = boxes.filter((box) => box.x === x);
    const starts = [-8, ...own.map(({ y }) => y + height), bottom - gap / 2 + 9];
    const ends = [...own.map(({ y }) => y), bottom - gap / 2 - 9, bottom + 12];
    return starts.map((from, i) => ({ x, from, to: ends[i]! }));
  });
}
