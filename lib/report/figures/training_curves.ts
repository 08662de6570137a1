/** Curves of runs as small multiples: a panel for each metric, a line for each run. */
import * as Plot from "@observablehq/plot";
import { curvePoints } from "lib/runs/curve_points.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import { type Metric, metricLabel, metricTable } from "lib/runs/metric_table.ts";
import { axisLabel, categorical, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import { escapeXml } from "lib/report/draw/text.ts";

/** A run to draw; a result of `pretrain` is one. */
export interface CurveRun {
  /** Name of the run in the key; by default its seed. */
  readonly name?: string;
  /** Seed of the run; with several runs, the key names it. */
  readonly seed?: number;
  /** Id of the run; the title of its marks names it. */
  readonly run?: string;
  /** Metrics by step, in the order of steps. */
  readonly history: readonly HistoryLine[];
}

const maxPoints = 160; // per line: about two per pixel, and a committed notebook stays small
const panel = { columns: 4, width: 222, height: 180 };

/**
 * Draws how training goes: a panel for each metric that `metricTable` has curves for, such as the
 * loss, the k-NN, a detector's average precision and the signs of collapse. Metrics of every step
 * are lines; those measured now and then have dots. Long runs are averaged over neighbouring steps.
 *
 * @param options.totalSteps End of the axis; by default, the end of the longest run.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain } from "lib/experiments/mod.ts";
 * import { saveFigure, trainingCurves } from "lib/report/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const run = await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const figure = trainingCurves([run]);
 * assertTrue(figure.outerHTML.includes("loss"), "a panel for the loss, one for the k-NN, …");
 * await saveFigure("training", figure);
 * ```
 */
export function trainingCurves(
  runs: readonly CurveRun[],
  { totalSteps = lastStep(runs) }: { readonly totalSteps?: number } = {},
): Figure {
  const panels = drawnMetrics(runs).map((metric) => metricPanel(runs, metric, totalSteps));
  if (panels.length === 0) return gridOf([plot({ ...panel })], { ...panel, columns: 1 });
  return gridOf(panels, { ...panel, header: runs.length > 1 ? legend(runs) : "" });
}

function metricPanel(runs: readonly CurveRun[], metric: Metric, totalSteps: number): Figure {
  const factor = metric.unit === "fraction" ? 100 : 1;
  const marks = runs.flatMap((run, i) => {
    const { history } = run;
    const points = curvePoints(history, metric.name, { factor, most: maxPoints });
    const stroke = categorical[i % categorical.length]!;
    const said = originOf(run);
    const title = said && { title: () => said };
    const line = Plot.lineY(points, { x: "step", y: "value", stroke, strokeWidth: 1.5, ...title });
    const sparse = points.length < history.length / 4 && points.length <= maxPoints / 2;
    if (!sparse && points.length > 2) return [line];
    const dots = points.map(({ step, value }) => ({
      ...{ step, value, title: [`step ${step}: ${short(value)}`, said].filter(Boolean).join("\n") },
    }));
    return [line, Plot.dot(dots, { x: "step", y: "value", fill: stroke, r: 3, title: "title" })];
  });
  return plot({
    width: panel.width,
    height: panel.height,
    marginLeft: 56,
    marginRight: 24, // half of the last step's number
    marginTop: 32,
    marginBottom: 38,
    x: { domain: [0, totalSteps], ticks: 3, ...axisLabel("step", "center") },
    y: {
      ticks: 4,
      tickFormat: short,
      nice: true,
      grid: true,
      ...axisLabel(metricLabel(metric), "top"),
    },
    marks: [Plot.ruleX([0], { stroke: grey, strokeOpacity: 0.4 }), ...marks],
  });
}

/** `seed 0, start-0a629f95`, as far as it is known; otherwise empty. */
function originOf({ seed, run }: CurveRun): string {
  return [...seed === undefined ? [] : [`seed ${seed}`], ...run === undefined ? [] : [run]]
    .join(", ");
}

/**
 * A number in at most six characters, as there is room for: `0.00015` as `1.5e-4`, without digits
 * from rounding.
 */
function short(value: number): string {
  const text = String(Number(value.toPrecision(5)));
  return text.length <= 6 ? text : value.toExponential(1).replace(".0e", "e").replace("e+", "e");
}

/** Metrics that have a panel, and that some run measured. */
function drawnMetrics(runs: readonly CurveRun[]): Metric[] {
  return metricTable.filter(({ name, curve }) =>
    curve && runs.some(({ history }) => history.some(({ metrics }) => name in metrics))
  );
}

function lastStep(runs: readonly CurveRun[]): number {
  return Math.max(1, ...runs.map(({ history }) => history.at(-1)?.step ?? 0));
}

function legend(runs: readonly CurveRun[]): string {
  const names = runs.map(({ name, seed }, i) =>
    name ?? (seed === undefined ? `run ${i + 1}` : `seed ${seed}`)
  );
  const room = Math.max(100, ...names.map((name) => 44 + 8 * name.length)); // pixels for each
  return names.map((name, i) => {
    const [x, colour] = [16 + room * i, categorical[i % categorical.length]!];
    return `<path d="M${x} 13h20" stroke="${colour}" stroke-width="2.5"/>` +
      `<text x="${x + 26}" y="17">${escapeXml(name)}</text>`;
  }).join("");
}
