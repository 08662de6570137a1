/** Curves of chosen runs as plain data, for a page to draw. */
import type { HistoryLine } from "lib/runs/events.ts";
import { curvePoints } from "lib/runs/curve_points.ts";
import { metricLabel, metricOf, metricTable } from "lib/runs/metric_table.ts";

/** A metric that can be chosen. */
export interface MetricChoice {
  readonly name: string;
  /** With its unit: `loss (nats)`. */
  readonly label: string;
}

/** A curve: the mean over neighbouring steps. */
export interface Curve {
  readonly id: string;
  /** Whether the points are few, and drawn as dots. */
  readonly dots: boolean;
  /** Step and value; percent of a fraction. */
  readonly points: readonly (readonly [step: number, value: number])[];
}

/** A run whose curve is drawn. */
export interface DrawnRun {
  readonly id: string;
  readonly history: readonly HistoryLine[];
}

/**
 * The metrics that some run has measured: first those that training curves have a panel for, in
 * that order, then the others by name. Alarms are left out.
 */
export function measuredMetrics(runs: readonly DrawnRun[]): MetricChoice[] {
  const names = new Set<string>();
  for (const { history } of runs) {
    for (const { metrics } of history) for (const name in metrics) names.add(name);
  }
  const drawn = metricTable.flatMap(({ name, curve }) => curve && names.delete(name) ? [name] : []);
  const others = [...names].filter((name) => !name.startsWith("alarm")).sort();
  return [...drawn, ...others].map((name) => ({ name, label: labelOf(name) }));
}

/** The title of a metric; one whose title stands for several metrics is called by its name. */
function labelOf(name: string): string {
  const metric = metricOf(name);
  if (metric === undefined) return name;
  return metricLabel(metric.name === name ? metric : { ...metric, title: name });
}

const fewPoints = 20; // that a short run may have, however long the others are

/**
 * The curves of one metric, that of the longest run in at most `most` points. A point of each is the
 * mean over equally many steps, so that a run that has just begun does not look noisier than others.
 */
export function curvesOf(runs: readonly DrawnRun[], metric: string, most: number): Curve[] {
  const lengths = runs.map(({ history }) => history.at(-1)?.step ?? 0);
  const longest = Math.max(1, ...lengths);
  return runs.map((run, i) => {
    const share = Math.ceil(most * lengths[i]! / longest);
    return curveOf(run, metric, Math.max(fewPoints, share));
  });
}

function curveOf({ id, history }: DrawnRun, metric: string, most: number): Curve {
  const factor = metricOf(metric)?.unit === "fraction" ? 100 : 1;
  const points = curvePoints(history, metric, { factor, most });
  const isSparse = points.length < history.length / 4 && points.length <= most / 2;
  return {
    id,
    dots: isSparse || points.length <= 2,
    points: points.map(({ step, value }) => [rounded(step, 7), rounded(value, 5)]),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}
