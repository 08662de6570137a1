/** Figures of the measurements: how many times as fast as PyTorch we are. */
import * as Plot from "@observablehq/plot";
import { axisLabel, categorical, type Figure, gridOf, plot } from "lib/report/mod.ts";
import type { DepthwiseCase } from "./cases.ts";
import { type Measured, rowOf } from "./rows.ts";

interface Point {
  readonly name: string;
  readonly ratio: number;
}

function ratioOf(measured: Measured): number | undefined {
  return rowOf(measured, {})["times as fast"];
}

/** Draws a bar for each case but the depthwise convolutions; undefined if there is no such case. */
export function wholeFigure(all: readonly Measured[]): Figure | undefined {
  const points = all.filter(({ subject }) => subject.kind !== "depthwise")
    .flatMap((measured): Point[] => {
      const ratio = ratioOf(measured);
      return ratio === undefined ? [] : [{ name: measured.subject.name, ratio }];
    });
  if (points.length === 0) return undefined;
  const label = ({ ratio }: Point) => `${ratio.toFixed(2)}×`;
  return plot({
    width: 800,
    height: 60 + 26 * points.length,
    marginLeft: 400,
    marginRight: 50,
    marginBottom: 40,
    x: { grid: true, ...axisLabel("times as fast as PyTorch's best, fp32", "center") },
    y: { domain: points.map(({ name }) => name), label: null, tickSize: 0 },
    marks: [
      Plot.barX(points, {
        y: "name",
        x: "ratio",
        fill: categorical[0],
        insetTop: 3,
        insetBottom: 3,
      }),
      Plot.text(points, { y: "name", x: "ratio", text: label, dx: 4, textAnchor: "start" }),
      Plot.ruleX([1], { strokeDasharray: "4 3" }),
    ],
  });
}

const passes = ["forward", "dX", "dW"] as const;

/**
 * Draws the depthwise convolutions: a panel for each map, in it the speed over the kernel size, a
 * line for each pass. The result is undefined if no depthwise convolution was measured.
 */
export function depthwiseFigure(all: readonly Measured[]): Figure | undefined {
  const points = all.flatMap((measured) => {
    const ratio = ratioOf(measured);
    const { subject } = measured;
    return subject.kind === "depthwise" && ratio !== undefined
      ? [{ map: mapTitle(subject), k: String(subject.kernelSize), pass: subject.pass, ratio }]
      : [];
  });
  if (points.length === 0) return undefined;
  const kernels = [...new Set(points.map(({ k }) => k))];
  const ratios = points.map(({ ratio }) => ratio);
  const y = [Math.min(0.5, ...ratios), Math.max(2, ...ratios)];
  const panels = Map.groupBy(points, ({ map }) => map).entries().map(([map, own]) =>
    plot({
      width: 400,
      height: 260,
      marginLeft: 50,
      marginRight: 60,
      marginBottom: 40,
      x: { type: "point", domain: kernels, ...axisLabel(`kernel (pixels), ${map}`, "center") },
      y: { type: "log", domain: y, grid: true, ...axisLabel("times as fast", "top") },
      color: { domain: passes, range: [...categorical] },
      marks: [
        Plot.ruleY([1], { strokeDasharray: "4 3" }),
        Plot.line(own, { x: "k", y: "ratio", stroke: "pass", strokeWidth: 2 }),
        Plot.dot(own, { x: "k", y: "ratio", fill: "pass" }),
        ...endLabels(own.filter(({ k }) => k === kernels.at(-1)), y),
      ],
    })
  );
  return gridOf([...panels], { columns: 2, width: 400, height: 260 });
}

interface End {
  readonly k: string;
  readonly pass: string;
  readonly ratio: number;
}

/** Writes each line's name at its end; names that would overlap are moved down. */
function endLabels(ends: readonly End[], domain: readonly number[]): Plot.Text[] {
  const [line, height] = [13, 200]; // pixels: height of a line of text and of the panel's frame
  const [low, high] = domain.map(Math.log) as [number, number];
  let last = -Infinity;
  return ends.toSorted((a, b) => b.ratio - a.ratio).map((end) => {
    const y = height * (high - Math.log(end.ratio)) / (high - low);
    last = Math.max(y, last + line);
    const at = { x: "k", y: "ratio", text: "pass", fill: "pass", textAnchor: "start" } as const;
    return Plot.text([end], { ...at, dx: 8, dy: last - y });
  });
}

function mapTitle({ batch, side, channels }: DepthwiseCase): string {
  return `${batch}×${side}²×${channels}`;
}
