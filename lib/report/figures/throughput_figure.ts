/**
 * Accuracy against images per second, a panel for each machine: the paper's GPUs hollow, ours
 * filled.
 */
import * as Plot from "@observablehq/plot";
import { table3 } from "lib/paper/mod.ts";
import { type ArchStyle, archStyles, familyOf } from "lib/report/draw/arch_style.ts";
import { placeLabels } from "lib/report/draw/label_places.ts";
import { axisLabel, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import {
  extentOf,
  printedPoint,
  type SeedPoint,
  seedPoint,
  shareAxis,
} from "lib/report/figures/seed_points.ts";

/** A network on a machine. */
export interface SpeedPoint {
  /** Name of the network, written beside the point. */
  readonly arch: string;
  /** Name of the machine: `A100`. */
  readonly device: string;
  /** Speed of its forward pass. */
  readonly imagesPerSecond: number;
  /** Our fractions, one per seed, or the one that the paper prints. */
  readonly accuracy: readonly number[] | number;
  /** Whether we measured the speed; otherwise the paper did. */
  readonly ours: boolean;
}

interface PlacedSpeed extends SeedPoint {
  readonly x: number;
  readonly point: SpeedPoint;
}

type Domain = readonly [number, number];

const height = 340;
const margin = { marginLeft: 56, marginTop: 40, marginBottom: 44, marginRight: 24 };

/**
 * Networks that Table 3 has under DINO, on the paper's GPUs: seven on a V100, four of them on an
 * A100 too.
 */
export function paperSpeeds(metric: "linear" | "knn"): SpeedPoint[] {
  const rows = table3.rows.filter(({ method }) => method === "DINO");
  return (["V100", "A100"] as const).flatMap((device) =>
    rows.flatMap((row) => {
      const [imagesPerSecond, accuracy] = [row[`throughput${device}`], row[metric]];
      if (imagesPerSecond === null || accuracy === null) return [];
      return [{ arch: row.arch, device, imagesPerSecond, accuracy, ours: false }];
    })
  );
}

/**
 * Draws each network with its name, faster to the right, more accurate to the top, with bars of ± 1
 * standard error over seeds. Machines share an axis of accuracy if all stay readable on it.
 *
 * @param label Title of the y axis: `linear top-1 (%)`.
 * @throws {RangeError} If there is nothing to draw, or an accuracy has no seed.
 */
export function throughputFigure(
  points: readonly SpeedPoint[],
  { label }: { readonly label: string },
): Figure {
  if (points.length === 0) throw new RangeError("Cannot draw speeds: there is no point");
  const devices = [...new Set(points.map(({ device }) => device))];
  const panels = devices.map((name) =>
    points.filter(({ device }) => device === name).map(placedSpeed)
  );
  const styles = archStyles(points.map(({ arch }) => familyOf(arch)));
  const shared = shareAxis(panels) ? withRoom(extentOf(panels.flat())) : undefined;
  const columns = Math.min(panels.length, 3);
  const width = [640, 400, 320][columns - 1]!;
  const figures = panels.map((part) =>
    panel(part, styles, { label, width, y: shared ?? withRoom(extentOf(part)) })
  );
  return gridOf(figures, { columns, width, height });
}

function placedSpeed(point: SpeedPoint): PlacedSpeed {
  const { arch, device, imagesPerSecond, accuracy } = point;
  const what = `${arch}, ${imagesPerSecond} images/s on ${device}`;
  const placed = typeof accuracy === "number"
    ? printedPoint(accuracy, what)
    : seedPoint(accuracy, what);
  return { x: imagesPerSecond, point, ...placed };
}

/** A range with a tenth more on both sides, for names. */
function withRoom([low, high]: Domain): Domain {
  const room = (high - low) / 10;
  return [low - room, high + room];
}

function panel(
  points: readonly PlacedSpeed[],
  styles: ReadonlyMap<string, ArchStyle>,
  { label, width, y }: { readonly label: string; readonly width: number; readonly y: Domain },
): Figure {
  const slowest = Math.min(...points.map((point) => point.x));
  const fastest = Math.max(...points.map((point) => point.x));
  // so that a network alone stands in the middle
  const room = (fastest - slowest) / 8 || fastest / 4;
  const x: Domain = [Math.max(0, slowest - room), fastest + room];
  const { device, ours } = points[0]!.point;
  const title = ours ? `${device} (ours)` : `${device} (the paper)`;
  return plot({
    width,
    height,
    ...margin,
    x: { domain: [...x], ticks: width / 80, grid: true, ...axisLabel("images a second", "center") },
    y: { domain: [...y], ticks: 6, grid: true, ...axisLabel(label, "top") },
    marks: [
      ...points.flatMap((point) => dotMarks(point, styles.get(familyOf(point.point.arch))!)),
      ...names(points, { width, x, y }),
      Plot.text([title], {
        text: (text: string) => text,
        frameAnchor: "top-right",
        dy: -36,
        fill: grey,
      }),
    ],
  });
}

function dotMarks(drawn: PlacedSpeed, { colour, symbol }: ArchStyle): Plot.Markish[] {
  const stroke = { stroke: colour, strokeWidth: 2 };
  const fill = drawn.point.ours ? colour : "white";
  return [
    Plot.ruleX([drawn], { x: "x", y1: "low", y2: "high", ...stroke }),
    Plot.dot([drawn], { x: "x", y: "y", symbol, r: 5.5, fill, ...stroke, title: "title" }),
  ];
}

/** A label for each point, placed so that it covers no other. */
function names(
  points: readonly PlacedSpeed[],
  { width, x, y }: { readonly width: number; readonly x: Domain; readonly y: Domain },
): Plot.Markish[] {
  const frame = {
    width: width - margin.marginLeft - margin.marginRight,
    height: height - margin.marginTop - margin.marginBottom,
  };
  const along = (value: number, [low, high]: Domain) => (value - low) / (high - low);
  const down = (value: number) => frame.height * (1 - along(value, y));
  const places = placeLabels(
    points.map((point) => ({
      x: frame.width * along(point.x, x),
      y: down(point.y),
      top: down(point.high),
      bottom: down(point.low),
      text: point.point.arch,
    })),
    frame,
  );
  const halo = { stroke: "white", strokeWidth: 4 };
  return points.map(({ x, y, point }, i) =>
    Plot.text([point.arch], {
      x: [x],
      y: [y],
      text: (arch: string) => arch,
      fill: "black",
      ...halo,
      ...places[i]!,
    })
  );
}
