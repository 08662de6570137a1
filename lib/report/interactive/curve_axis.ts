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

/** What scripts have to know of a question: its axes, and the smallest move of a point. */
export function drawable({ id, x, y, labels, unit }: CurveQuestion): object {
  const step = 10 ** Math.floor(Math.log10((y[1] - y[0]) / 20));
  return { id, x, y, step, labels, unit, frame };
}

/** Empty axes, or axes with the true curve. */
export function curveAxis(
  { x, y, labels }: Pick<CurveQuestion, "x" | "y" | "labels">,
  answer: readonly DrawnPoint[] = [],
): string {
  return toSvg(plot({
    ...{ width, height, ...margins },
    x: {
      domain: [x[0]!, x.at(-1)!],
      inset,
      ticks: [...x],
      tickFormat: String,
      ...axisLabel(labels.x, "center"),
    },
    y: { domain: [...y], grid: true, ticks: 6, ...axisLabel(labels.y, "top") },
    marks: [
      ...y[0] < 0 && y[1] > 0 ? [Plot.ruleY([0], { stroke: grey })] : [],
      Plot.line(answer, { stroke: colours.blue, strokeWidth: 2.5 }),
      Plot.dot(answer, { fill: colours.blue, r: 4 }),
    ],
  }));
}

/** The axes of a question, made long enough for an answer. */
export function withRoomFor<Q extends CurveQuestion>(
  question: Q,
  answer: readonly DrawnPoint[],
): Q {
  const heights = answer.map(([, y]) => y);
  const [low, high] = question.y;
  return { ...question, y: [Math.min(low, ...heights), Math.max(high, ...heights)] };
}
