/** The k-NN monitor as training goes on: what one knows when one could stop. */
import * as Plot from "@observablehq/plot";
import { archLegend, type ArchStyle, archStyles } from "lib/report/draw/arch_style.ts";
import { axisLabel, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import type { MonitorCurve } from "lib/report/figures/monitor_figure.ts";
import type { SliderFrame } from "lib/report/interactive/slider.ts";
import { meanAndError } from "lib/stats/statistics.ts";

/** A mean over seeds, percent. */
interface Measured {
  readonly arch: string;
  readonly epoch: number;
  readonly y: number;
}

const most = 20; // frames: an output stays small
const [width, height] = [560, 300];

/**
 * Curves up to an epoch, one frame for each of up to twenty epochs, for `slider`. Axes are the same
 * in all frames, and what comes later does not show. The words say how far each network is below
 * the best that it has had by then.
 *
 * @throws {RangeError} If there is no measurement.
 */
export function monitorFrames(curves: readonly MonitorCurve[]): SliderFrame[] {
  const points = curves.flatMap(({ arch, points }) =>
    points.map(({ epoch, values }): Measured => ({
      arch,
      epoch,
      y: 100 * meanAndError(values).mean,
    }))
  );
  const epochs = [...new Set(points.map(({ epoch }) => epoch))].sort((a, b) => a - b);
  if (epochs.length === 0) throw new RangeError("Cannot draw a monitor: nothing was measured");
  const every = Math.ceil(epochs.length / most);
  const shown = epochs.filter((_, i) => (epochs.length - 1 - i) % every === 0); // with the last
  const styles = archStyles(curves.map(({ arch }) => arch));
  return shown.map((epoch) => {
    const known = points.filter((point) => point.epoch <= epoch);
    return {
      at: `epoch ${epoch}`,
      picture: frameOf(known, { points, styles, epoch }),
      says: curves.map(({ arch }) => wordsOf(known.filter((point) => point.arch === arch))).join(
        "; ",
      ),
    };
  });
}

/** `BC-SSL 31.2 %, 0.4 below its best, at epoch 12`. */
function wordsOf(points: readonly Measured[]): string {
  const last = points.at(-1);
  if (last === undefined) return "not measured yet";
  const best = points.reduce((found, point) => point.y > found.y ? point : found);
  const now = `${last.arch} ${last.y.toFixed(1)} %`;
  return last.y >= best.y
    ? `${now}, its best so far`
    : `${now}, ${(best.y - last.y).toFixed(1)} below its best, at epoch ${best.epoch}`;
}

function frameOf(
  known: readonly Measured[],
  { points, styles, epoch }: {
    /** All of the run, for the axes. */
    readonly points: readonly Measured[];
    readonly styles: ReadonlyMap<string, ArchStyle>;
    readonly epoch: number;
  },
): Figure {
  const heights = points.map(({ y }) => y);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const room = Math.max((high - low) / 20, 0.1);
  const figure = plot({
    ...{ width, height, marginLeft: 56, marginTop: 30, marginBottom: 44, marginRight: 24 },
    x: {
      domain: [0, Math.max(...points.map(({ epoch }) => epoch))],
      ...axisLabel("epoch", "center"),
    },
    y: {
      domain: [low - room, high + room],
      ...{ grid: true, ticks: 6, ...axisLabel("k-NN top-1 (%)", "top") },
    },
    marks: [
      Plot.ruleX([epoch], { stroke: grey, strokeDasharray: "2 3" }),
      ...[...styles].flatMap(([arch, { colour, symbol }]) => {
        const own = known.filter((point) => point.arch === arch);
        return [
          Plot.line(own, { x: "epoch", y: "y", stroke: colour, strokeWidth: 2.5 }),
          Plot.dot(own, { x: "epoch", y: "y", symbol, fill: colour, r: 4 }),
        ];
      }),
    ],
  });
  return gridOf([figure], { columns: 1, width, height, header: archLegend(styles, width) });
}
