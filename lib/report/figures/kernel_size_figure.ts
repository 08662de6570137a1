/**
 * Accuracy against kernel size, as in the paper's Figure 2: one line per network, ours filled, the
 * paper's hollow.
 */
import * as Plot from "@observablehq/plot";
import { archLegend, type ArchStyle, archStyles } from "lib/report/draw/arch_style.ts";
import { axisLabel, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import {
  extentOf,
  keyOf,
  printedPoint,
  type SeedOrigin,
  type SeedPoint,
  seedPoint,
  shareAxis,
} from "lib/report/figures/seed_points.ts";

/** A network with one kernel size; accuracies are fractions. */
export interface KernelArm extends Partial<SeedOrigin> {
  /** Name of the network; arms of one name are joined by a line. */
  readonly arch: string;
  /** Side in pixels; null for a transformer, which is drawn as a line across. */
  readonly kernelSize: number | null;
  /** Our accuracies, one per seed, if it was run. */
  readonly ours?: readonly number[];
  /** The printed accuracy, if there is one. */
  readonly paper?: number;
}

interface ArmPoint extends SeedPoint {
  readonly arch: string;
  readonly kernelSize: number | null;
}

const keyPlace = { frameAnchor: "top-right", dy: -36, fill: grey, fontSize: 12 } as const;
const dodge = 5; // pixels between bars of networks that share a kernel size

/**
 * Draws our means over seeds filled, with bars of ± 1 standard error, joined by a line per network;
 * the paper's numbers hollow, joined by dashes. Both share one axis if both stay readable on it;
 * otherwise they stand side by side.
 *
 * @param label Title of the y axis: `k-NN top-1 (%)`.
 * @throws {RangeError} If there is nothing to draw.
 *
 * @example
 * ```ts
 * import { kernelSizeFigure, saveFigure } from "lib/report/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const arms = [
 *   { arch: "BC-SSL", kernelSize: 7, ours: [0.71, 0.72], paper: 0.74 },
 *   { arch: "BC-SSL", kernelSize: 9, ours: [0.72, 0.73], paper: 0.75 },
 * ];
 * const figure = kernelSizeFigure(arms, { label: "k-NN top-1 (%)" });
 * assertTrue(figure.outerHTML.includes("k-NN top-1 (%)"), "the title of the y axis");
 * await saveFigure("kernels", figure);
 * ```
 */
export function kernelSizeFigure(
  arms: readonly KernelArm[],
  { label }: { readonly label: string },
): Figure {
  const points = arms.flatMap(pointsOf);
  if (points.length === 0) throw new RangeError("Cannot draw kernel sizes: there is no value");
  const [ours, paper] = [points.filter((p) => p.n > 0), points.filter((p) => p.n === 0)];
  const styles = archStyles(...[ours, paper].map((part) => part.map(({ arch }) => arch)));
  const panels = shareAxis([ours, paper]) ? [points] : [ours, paper];
  const size = { width: panels.length > 1 ? 400 : 640, height: 340 };
  return gridOf(panels.map((part) => panel(part, styles, { label, ...size })), {
    columns: panels.length,
    ...size,
    header: archLegend(styles, size.width * panels.length),
  });
}

function pointsOf({ arch, kernelSize, ours, paper, ...origin }: KernelArm): ArmPoint[] {
  const what = kernelSize === null ? arch : `${arch}, ${kernelSize}×${kernelSize}`;
  const points: ArmPoint[] = [];
  if (ours && ours.length > 0) {
    points.push({ arch, kernelSize, ...seedPoint(ours, what, origin) });
  }
  if (paper !== undefined) {
    points.push({ arch, kernelSize, ...printedPoint(paper, what) });
  }
  return points;
}

function panel(
  points: readonly ArmPoint[],
  styles: ReadonlyMap<string, ArchStyle>,
  { label, width, height }: {
    readonly label: string;
    readonly width: number;
    readonly height: number;
  },
): Figure {
  const sizes = [...new Set(points.flatMap(({ kernelSize }) => kernelSize ?? []))]
    .sort((a, b) => a - b);
  const [first, last] = [sizes[0] ?? 0, sizes.at(-1) ?? 1];
  const room = Math.max(1, (last - first) / 12);
  const dodged = [...styles.keys()].filter((name) =>
    points.some(({ arch, kernelSize }) => arch === name && kernelSize !== null)
  );
  const arms = [true, false].flatMap((ours) =>
    [...styles].map(([arch, style]) => {
      const i = dodged.indexOf(arch);
      const dx = i < 0 ? 0 : dodge * (i - (dodged.length - 1) / 2);
      const own = points.filter((p) => p.arch === arch && (p.n > 0) === ours);
      return { own, style, place: { dx, edge: last + room } };
    })
  );
  return plot({
    width,
    height,
    marginLeft: 56,
    marginTop: 40,
    marginBottom: 44,
    x: {
      domain: [first - room, last + 1.5 * room],
      ticks: sizes,
      tickFormat: "d",
      ...axisLabel("kernel size", "center"),
    },
    y: { domain: [...extentOf(points)], ticks: 6, grid: true, ...axisLabel(label, "top") },
    marks: [
      ...arms.flatMap(({ own, style, place }) => armLines(own, style, place)),
      ...arms.flatMap(({ own, style, place }) => armDots(own, style, place)),
      Plot.text([keyOf(points)], { text: (key: string) => key, ...keyPlace }),
    ],
  });
}

/** Position of a network's marks. */
interface ArmPlace {
  /** Pixels to the right of the kernel size. */
  readonly dx: number;
  /** Kernel size at which a network without one has its symbol. */
  readonly edge: number;
}

/** Lines of one network, either ours or the paper's. */
function armLines(
  points: readonly ArmPoint[],
  { colour }: ArchStyle,
  { dx }: ArmPlace,
): Plot.Markish[] {
  const ours = points.some(({ n }) => n > 0);
  const line = ours
    ? { stroke: colour, strokeWidth: 2.5 }
    : { stroke: colour, strokeWidth: 1.5, strokeDasharray: "5 4" };
  const across = points.filter(({ kernelSize }) => kernelSize === null);
  const along = points.filter(({ kernelSize }) => kernelSize !== null)
    .sort((a, b) => a.kernelSize! - b.kernelSize!);
  return [
    Plot.ruleY(across, { y: "y", ...line, strokeOpacity: 0.6 }),
    Plot.line(along, { x: "kernelSize", y: "y", dx, ...line }),
  ];
}

function armDots(
  points: readonly ArmPoint[],
  { colour, symbol }: ArchStyle,
  { dx, edge }: ArmPlace,
): Plot.Markish[] {
  const x = ({ kernelSize }: ArmPoint) => kernelSize ?? edge;
  const bars = points.filter(({ low, high }) => low < high);
  const stroke = { stroke: colour, strokeWidth: 2 };
  const fill = points.some(({ n }) => n > 0) ? colour : "white";
  return [
    Plot.ruleX(bars, { x, y1: "low", y2: "high", dx, ...stroke }),
    Plot.dot(points, { x, y: "y", dx, symbol, r: 5.5, fill, ...stroke, title: "title" }),
  ];
}
