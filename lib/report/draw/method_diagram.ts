/**
 * A method of self-supervised training as a picture: its networks, where the gradient stops, what is
 * averaged, and what is remembered.
 */
import * as Plot from "@observablehq/plot";
import { colours, type Figure, grey, plot } from "lib/report/draw/plot.ts";
import {
  type BoxKind,
  type DiagramName,
  type MethodBox,
  type MethodDrawing,
  methodDrawings,
} from "lib/report/draw/method_drawings.ts";

/** Names of the methods that have a diagram. */
export const diagramNames = Object.keys(methodDrawings) as readonly DiagramName[];

const looks: Readonly<Record<BoxKind, { readonly stroke: string; readonly says?: string }>> = {
  trained: { stroke: colours.blue, says: "trained by the gradient" },
  average: { stroke: colours.green, says: "moving average" },
  memory: { stroke: colours.vermilion, says: "remembered" },
  plain: { stroke: grey },
};

// pixels: a box, the gap below it, and the places of the two columns
const box = { width: 200, height: 38, gap: 22 } as const;
const [leftX, rightX, width] = [130, 470, 600];
const top = 62;
const lossWidth = 230;

/** A box with the place of its middle and its upper edge. */
interface Placed extends MethodBox {
  readonly x: number;
  readonly y: number;
}

function column(boxes: readonly MethodBox[], x: number): Placed[] {
  return boxes.map((one, i) => ({ ...one, x, y: top + i * (box.height + box.gap) }));
}

/**
 * Draws a method: left what the gradient trains, right what gives the targets, both from top to
 * bottom, and below them the loss. Colours say what is trained, averaged or remembered. A cross-bar
 * on the way from the right side to the loss is where the gradient stops.
 *
 * @throws {RangeError} If there is no diagram of that name.
 *
 * @example
 * ```ts
 * import { methodDiagram, saveFigure } from "lib/report/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const figure = methodDiagram("byol");
 * assertTrue(figure.outerHTML.includes("predictor"), "what keeps BYOL from a collapse");
 * await saveFigure("byol", figure);
 * ```
 */
export function methodDiagram(name: DiagramName): Figure {
  if (!Object.hasOwn(methodDrawings, name)) {
    throw new RangeError(
      `Cannot draw ${JSON.stringify(name)}: there are ${diagramNames.join(", ")}`,
    );
  }
  const drawing = methodDrawings[name];
  const [left, right] = [column(drawing.left, leftX), column(drawing.right, rightX)];
  const rows = Math.max(left.length, right.length);
  const lossY = top + rows * (box.height + box.gap) + 16;
  const height = lossY + 100;
  return plot({
    ...{ width, height, axis: null, margin: 0 },
    x: { domain: [0, width] },
    y: { domain: [height, 0] },
    marks: [
      ...headings(drawing),
      ...arrows(left, right, lossY),
      ...stopMark(drawing, lossY),
      ...tieMark(drawing),
      ...boxMarks([...left, ...right]),
      ...lossMarks(drawing, lossY),
      ...key([...left, ...right], height),
    ],
  });
}

/** Text marks at pixel places. */
function texts(
  entries: readonly { readonly x: number; readonly y: number; readonly text: string }[],
  options: Plot.TextOptions = {},
): Plot.Markish {
  return Plot.text(entries, { x: "x", y: "y", text: "text", fontSize: 12, ...options });
}

function headings({ title, inputs }: MethodDrawing): Plot.Markish[] {
  const places = [leftX, rightX].map((x, i) => ({ x, y: 34, text: inputs[i]! }));
  return [
    texts([{ x: (leftX + rightX) / 2, y: 14, text: title }], { fontSize: 14, fontWeight: "bold" }),
    texts(places, { fill: grey }),
  ];
}

/** From the views to the first boxes, from box to box, and from the last ones to the loss. */
function arrows(left: readonly Placed[], right: readonly Placed[], lossY: number): Plot.Markish[] {
  const down = [left, right].flatMap((boxes) =>
    boxes.map(({ x, y }, i) => ({ x, from: i === 0 ? 42 : y - box.gap, to: y - 1 }))
  );
  const middle = (leftX + rightX) / 2;
  const toLoss = [
    { boxes: left, end: middle - lossWidth / 2 },
    { boxes: right, end: middle + lossWidth / 2 },
  ];
  const lossLine = lossY + 26;
  const corners = toLoss.flatMap(({ boxes: [first, ...rest] }) => {
    const last = rest.at(-1) ?? first!;
    const { x } = last;
    return [{ x, y: last.y + box.height, line: x }, { x, y: lossLine, line: x }];
  });
  const ends = toLoss.map(({ boxes: [{ x } = { x: 0 }], end }) => ({ x, end }));
  const look = { stroke: grey, headLength: 7 } as const;
  return [
    Plot.arrow(down, { x1: "x", x2: "x", y1: "from", y2: "to", ...look }),
    Plot.line(corners, { x: "x", y: "y", z: "line", stroke: grey, strokeWidth: 1.5 }),
    Plot.arrow(ends, { x1: "x", x2: "end", y1: () => lossLine, y2: () => lossLine, ...look }),
  ];
}

/** Where the gradient stops: two short lines across the way, and the words beside them. */
function stopMark({ stops }: MethodDrawing, lossY: number): Plot.Markish[] {
  if (!stops) return [];
  const y = lossY + 2;
  const bars = [y - 3, y + 3];
  return [
    Plot.ruleY(bars, {
      ...{ y: (bar: number) => bar, x1: () => rightX - 12, x2: () => rightX + 12 },
      ...{ stroke: "black", strokeWidth: 2 },
    }),
    texts([{ x: rightX + 20, y, text: "no gradient" }], { textAnchor: "start" }),
  ];
}

/** How the networks belong together, between the first boxes of both sides. */
function tieMark({ tie }: MethodDrawing): Plot.Markish[] {
  if (tie === undefined) return [];
  const [from, to, y] = [
    leftX + box.width / 2 + 4,
    rightX - box.width / 2 - 4,
    top + box.height / 2,
  ];
  const moves = tie === "moving average";
  const stroke = moves ? looks.average.stroke : looks.trained.stroke;
  const place = { x1: () => from, x2: () => to, y1: () => y, y2: () => y, stroke };
  return [
    Plot.arrow([0], { ...place, headLength: moves ? 7 : 0, strokeDasharray: "5 4" }),
    texts([{ x: (from + to) / 2, y: y - 12, text: tie }], { fill: stroke }),
  ];
}

function boxMarks(boxes: readonly Placed[]): Plot.Markish[] {
  return [
    Plot.rect(boxes, {
      ...{ x1: ({ x }: Placed) => x - box.width / 2, x2: ({ x }: Placed) => x + box.width / 2 },
      ...{ y1: "y", y2: ({ y }: Placed) => y + box.height, rx: 4, fill: "white" },
      ...{ stroke: ({ kind }: Placed) => looks[kind].stroke, strokeWidth: 2 },
    }),
    Plot.text(boxes, {
      ...{ x: "x", y: ({ y }: Placed) => y + box.height / 2, fontSize: 12, lineHeight: 1.2 },
      text: ({ label, detail }: Placed) => `${label}\n${detail}`,
    }),
  ];
}

function lossMarks({ loss }: MethodDrawing, y: number): Plot.Markish[] {
  const x = (leftX + rightX) / 2;
  return [
    Plot.rect([0], {
      ...{ x1: () => x - lossWidth / 2, x2: () => x + lossWidth / 2, y1: () => y },
      ...{ y2: () => y + 54, rx: 4, fill: "#f2f2f2", stroke: "black" },
    }),
    Plot.text([loss], {
      ...{ x: () => x, y: () => y + 27, fontSize: 12, lineHeight: 1.2 },
      text: ({ label, details }: MethodDrawing["loss"]) => [label, ...details].join("\n"),
    }),
  ];
}

/** What the colours mean, those that are in the picture. */
function key(boxes: readonly Placed[], height: number): Plot.Markish[] {
  const kinds = [...new Set(boxes.map(({ kind }) => kind))];
  let x = 30;
  const entries = kinds.flatMap((kind) => {
    const { stroke, says } = looks[kind];
    if (says === undefined) return [];
    const entry = { x: x + 20, y: height - 18, text: says, stroke, from: x };
    x += 50 + 7.2 * says.length;
    return [entry];
  });
  return [
    Plot.rect(entries, {
      ...{ x1: "from", x2: ({ from }: { from: number }) => from + 14, fill: "white", rx: 2 },
      ...{ y1: () => height - 25, y2: () => height - 11, stroke: "stroke", strokeWidth: 2 },
    }),
    texts(entries, { textAnchor: "start", fill: grey }),
  ];
}
