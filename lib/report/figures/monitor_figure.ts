/**
 * The k-NN monitor, as in the paper's Figure 3: accuracy through training, ours beside the paper's.
 */
import * as Plot from "@observablehq/plot";
import { figure3 } from "lib/paper/mod.ts";
import { archLegend, type ArchStyle, archStyles } from "lib/report/draw/arch_style.ts";
import { axisLabel, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import {
  extentOf,
  keyOf,
  printedPoint,
  type SeedOrigin,
  type SeedPoint,
  seedPoint,
} from "lib/report/figures/seed_points.ts";

/** One network's k-NN through training. */
export interface MonitorCurve extends Partial<SeedOrigin> {
  /** Name of the network; it has a colour of its own. */
  readonly arch: string;
  /** Measurements in the order of epochs. */
  readonly points: readonly {
    readonly epoch: number;
    /** Top-1 accuracies, one fraction per seed. */
    readonly values: readonly number[];
  }[];
}

interface CurvePoint extends SeedPoint {
  readonly arch: string;
  readonly epoch: number;
  /** Percent, one for each seed; none of a number that the paper prints. */
  readonly seeds: readonly number[];
}

const height = 340;
const keyPlace = { frameAnchor: "top-right", dy: -36, fill: grey, fontSize: 12 } as const;

/**
 * Draws two panels: our curves, means over seeds with a band of ± 1 standard error and a thin line
 * for each seed, and the paper's hollow ones over 300 epochs. A ring marks each curve's best epoch.
 *
 * @throws {RangeError} If a point has no seed.
 *
 * @example
 * ```ts
 * import { monitorFigure, saveFigure } from "lib/report/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const points = [{ epoch: 10, values: [0.60, 0.61] }, { epoch: 20, values: [0.66, 0.68] }];
 * const figure = monitorFigure([{ arch: "BC-SSL", points }]);
 * assertTrue(figure.outerHTML.includes("BC-SSL"), "a key with our network");
 * await saveFigure("monitor", figure);
 * ```
 */
export function monitorFigure(curves: readonly MonitorCurve[]): Figure {
  const ours = curves.flatMap(({ arch, points, ...origin }) =>
    points.map(({ epoch, values }) => ({
      arch,
      epoch,
      seeds: values.map((value) => 100 * value),
      ...seedPoint(values, `${arch}, epoch ${epoch}`, origin),
    }))
  );
  const paper = figure3.rows.map(({ arch, epoch, knn }) => ({
    arch,
    epoch,
    seeds: [],
    ...printedPoint(knn, `${arch}, epoch ${epoch}`),
  }));
  const styles = archStyles(...[ours, paper].map((points) => points.map(({ arch }) => arch)));
  const panels = [ours, paper].filter((points) => points.length > 0);
  const width = panels.length > 1 ? 400 : 640;
  return gridOf(panels.map((points) => panel(points, styles, width)), {
    columns: panels.length,
    width,
    height,
    header: archLegend(styles, width * panels.length),
  });
}

function panel(
  points: readonly CurvePoint[],
  styles: ReadonlyMap<string, ArchStyle>,
  width: number,
): Figure {
  return plot({
    width,
    height,
    marginLeft: 56,
    marginTop: 40,
    marginBottom: 44,
    inset: 10, // a ring's radius
    marginRight: 24, // half of the last epoch's number
    x: { ticks: 5, ...axisLabel("epoch (ring: the best)", "center") },
    y: {
      domain: [...extentOf(points.flatMap(withSeeds))],
      ticks: 6,
      grid: true,
      ...axisLabel("k-NN top-1 (%)", "top"),
    },
    marks: [
      ...[...styles].flatMap(([name, style]) =>
        curveMarks(points.filter(({ arch }) => arch === name), style)
      ),
      Plot.text([keyOf(points)], { text: (key: string) => key, ...keyPlace }),
    ],
  });
}

/** A point with the points of its seeds, for the extent of the axis. */
function withSeeds(point: CurvePoint): SeedPoint[] {
  return [point, ...point.seeds.map((y) => ({ ...point, low: y, high: y }))];
}

function curveMarks(points: readonly CurvePoint[], { colour, symbol }: ArchStyle): Plot.Markish[] {
  if (points.length === 0) return [];
  const at = { x: "epoch", y: "y" } as const;
  const best = points.reduce((found, point) => point.y > found.y ? point : found);
  const ours = best.n > 0;
  const line = ours ? { strokeWidth: 2.5 } : { strokeWidth: 1.5, strokeDasharray: "5 4" };
  const dot = { symbol, fill: ours ? colour : "white", stroke: colour, strokeWidth: 2 };
  const seeds = points.flatMap(({ epoch, seeds }) => seeds.map((y, seed) => ({ epoch, y, seed })));
  const thin = { stroke: colour, strokeWidth: 1, strokeOpacity: 0.45, z: "seed" };
  return [
    Plot.line(seeds, { ...at, ...thin }),
    Plot.areaY(points, { x: "epoch", y1: "low", y2: "high", fill: colour, fillOpacity: 0.18 }),
    Plot.line(points, { ...at, stroke: colour, ...line }),
    Plot.dot(points, { ...at, ...dot, r: 4.5, title: "title" }),
    Plot.dot([best], { ...at, r: 9, stroke: colour, strokeWidth: 1.5 }),
  ];
}
