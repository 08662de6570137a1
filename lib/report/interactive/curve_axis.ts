/** The axes on which a reader draws a curve, and on which the true one is drawn beside it. */
import * as Plot from "@observablehq/plot";
import { axisLabel, colours, grey, plot, toSvg } from "lib/report/draw/plot.ts";
import type { CurveQuestion, DrawnPoint } from "./question.ts";

const [width, height] = [640, 300];
const margins = { marginLeft: 56, marginRight: 28, marginTop: 34, marginBottom: 46 };
const inset = 14; // so that a point at an end does not cover the axis
/** Where the ends of the axes are, in pixels of the drawing. */
const frame = {
  left: margins.marginLeft + inset,
  right: width - margins.marginRight - inset,
  top: margins.marginTop,
  bottom: height - margins.marginBottom,
};

/** Axes with their ranges, made long enough for an answer. */
export interface CurveAxes {
  readonly domain: readonly [first: number, last: number];
  readonly y: readonly [low: number, high: number];
}

/** The axes of a question, with room for an answer, which may have other x. */
export function axesOf({ x, y }: CurveQuestion, answer: readonly DrawnPoint[] = []): CurveAxes {
  const [across, up] = [[...x], [...y]];
  for (const [x, y] of answer) {
    across.push(x);
    up.push(y);
  }
  return {
    domain: [Math.min(...across), Math.max(...across)],
    y: [Math.min(...up), Math.max(...up)],
  };
}

/** What scripts have to know of a question: its axes, and the smallest move of a point. */
export function drawable({ id, x, labels, unit }: CurveQuestion, axes: CurveAxes): object {
  const step = 10 ** Math.floor(Math.log10((axes.y[1] - axes.y[0]) / 20));
  return { id, x, ...axes, step, labels, unit, frame };
}

/** Empty axes, or axes with the true curve. */
export function curveAxis(
  { x, labels }: Pick<CurveQuestion, "x" | "labels">,
  { domain, y }: CurveAxes,
  answer: readonly DrawnPoint[] = [],
): string {
  const ticks = [...new Set([...x, ...domain])];
  return toSvg(plot({
    ...{ width, height, ...margins },
    x: { domain: [...domain], inset, ticks, tickFormat: String, ...axisLabel(labels.x, "center") },
    y: { domain: [...y], grid: true, ticks: 6, ...axisLabel(labels.y, "top") },
    marks: [
      ...y[0] < 0 && y[1] > 0 ? [Plot.ruleY([0], { stroke: grey })] : [],
      Plot.line(answer, { stroke: colours.blue, strokeWidth: 2.5 }),
      Plot.dot(answer, { fill: colours.blue, r: 4 }),
    ],
  }));
}
