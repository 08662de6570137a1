/** How the gain of a large kernel over a small one changes through training. */
import * as Plot from "@observablehq/plot";
import type { ArmResult, KernelGain } from "lib/experiments/mod.ts";
import { archLegend, type ArchStyle } from "lib/report/draw/arch_style.ts";
import { axisLabel, colours, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import { meanAndError } from "lib/stats/statistics.ts";

/** The k-NN of one pair of runs at one step, means over seeds, percent. */
interface CurvePoint {
  /** Name of the setting: one line. */
  readonly name: string;
  readonly step: number;
  readonly small: number;
  readonly large: number;
  readonly gain: number;
}

const [width, height] = [400, 320];

/** How the two kernel sizes are drawn, and their difference. */
const looks: Readonly<Record<"small" | "large" | "gain", ArchStyle>> = {
  small: { colour: colours.vermilion, symbol: "circle" },
  large: { colour: colours.blue, symbol: "square" },
  gain: { colour: grey, symbol: "circle" },
};

/** Steps that may be written at the axis. */
const stepTicks = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000];

/**
 * Draws the monitor of pairs of runs over steps, on a logarithmic axis, in two panels: the k-NN of
 * both kernel sizes, and the gain of the larger one in points. Each setting is a line, dashed but
 * for the longest runs, with a mark at its end. The learning rate comes down to nothing there, not
 * before.
 *
 * @param gains For example settings with runs of several lengths.
 * @throws {RangeError} If there is nothing to draw.
 */
export function gainCurves(gains: readonly KernelGain[]): Figure {
  const [first] = gains;
  if (first === undefined) throw new RangeError("Cannot draw curves: there is no setting");
  const points = gains.flatMap(pointsOf);
  const longest = Math.max(...gains.map(({ steps }) => steps));
  const strong = new Set(gains.filter(({ steps }) => steps === longest).map(({ name }) => name));
  const earliest = Math.min(...points.map(({ step }) => step));
  const ticks = stepTicks.filter((step) => step >= earliest && step <= longest);
  const panels = [
    panel("k-NN top-1 (%)", ticks, [
      ...linesOf(points, "small", strong),
      ...linesOf(points, "large", strong),
    ]),
    panel("gain in k-NN (points)", ticks, [
      Plot.ruleY([0], { stroke: grey }),
      ...linesOf(points, "gain", strong),
    ]),
  ];
  const styles = new Map([[first.small.name, looks.small], [first.large.name, looks.large]]);
  const note = gains.length > 1 ? "mark: the end of a run; dashed: shorter runs" : "";
  const header = archLegend(styles, 2 * width) +
    `<text x="350" y="18.5" font-size="12" fill="${grey}">${note}</text>`;
  return gridOf(panels, { columns: 2, width, height, header });
}

function pointsOf({ name, small, large, steps }: KernelGain): CurvePoint[] {
  const epochs = small.monitor.at(-1)!.epoch;
  const at = ({ monitor }: ArmResult, i: number) => 100 * meanAndError(monitor[i]!.values).mean;
  return small.monitor.map(({ epoch }, i) => {
    const [less, more] = [at(small, i), at(large, i)];
    return { name, step: steps * epoch / epochs, small: less, large: more, gain: more - less };
  });
}

function panel(label: string, ticks: readonly number[], marks: readonly Plot.Markish[]): Figure {
  return plot({
    ...{ width, height, marginLeft: 46, marginTop: 34, marginBottom: 46, marginRight: 24 },
    ...{ inset: 8 },
    x: { type: "log", ticks: [...ticks], tickFormat: ",", ...axisLabel("step", "center") },
    y: { grid: true, ticks: 6, ...axisLabel(label, "top") },
    marks: [...marks],
  });
}

/** Lines of one value, one for each setting, each with a mark at its end. */
function linesOf(
  points: readonly CurvePoint[],
  y: keyof typeof looks,
  strong: ReadonlySet<string>,
): Plot.Markish[] {
  const { colour, symbol } = looks[y];
  return [...Map.groupBy(points, ({ name }) => name)].flatMap(([name, own]) => {
    const line = strong.has(name)
      ? { strokeWidth: 2.5 }
      : { strokeWidth: 1.5, strokeDasharray: "5 3" };
    const end = own.slice(-1).map((point) => ({
      ...point,
      title: `${name}: ${point[y].toFixed(2)}`,
    }));
    return [
      Plot.line(own, { x: "step", y, stroke: colour, ...line }),
      Plot.dot(end, { x: "step", y, symbol, fill: colour, r: 5, title: "title" }),
    ];
  });
}
