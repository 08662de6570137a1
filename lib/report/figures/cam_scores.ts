/** Scores of class activation maps as a table, and against the kernel size as a figure. */
import * as Plot from "@observablehq/plot";
import type { CamScoreRow } from "lib/experiments/mod.ts";
import { seedLines } from "lib/report/figures/seed_points.ts";
import { axisLabel, colours, type Figure, grey, plot } from "lib/report/draw/plot.ts";

/** Rows for `saveTable`: each score's mean over the images in percent, and its standard error. */
export function camScoreTable(rows: readonly CamScoreRow[]): object[] {
  return rows.map(({ name, method, threshold, scores }) => {
    const percent = (score: keyof typeof scores, label: string) => ({
      [`${label} (%)`]: 100 * scores[score].mean,
      [`${label} ± s.e.`]: 100 * scores[score].standardError,
    });
    return {
      network: name,
      method,
      images: scores.iou.n,
      ...percent("pointing", "points at it"),
      ...percent("energy", "energy on it"),
      ...percent("iou", "IoU"),
      ...percent("covered", "object hot"),
      ...percent("hotArea", "image hot"),
      "object's area (%)": 100 * scores.objectArea.mean,
      "hot from": threshold,
    };
  });
}

/**
 * Draws how much of the image is hot against the kernel size: a line for each method through the
 * means over networks (for example seeds) with one kernel size. The paper says that it grows
 * (§5.1). A dashed grey line is the area of the objects. Networks without a kernel size are left
 * out.
 *
 * @throws {RangeError} If no network has a kernel size.
 */
export function hotAreaFigure(rows: readonly CamScoreRow[]): Figure {
  const points = rows.flatMap((row) => {
    const { method, kernelSize, name, seed, run, scores } = row;
    const area = 100 * scores.hotArea.mean;
    const origin = seed === undefined || run === undefined ? {} : { seeds: [seed], runs: [run] };
    const title = `${name}, ${method}: ${area.toFixed(1)} %` + seedLines([area], origin);
    return kernelSize === null ? [] : [{ method, kernelSize, area, title }];
  });
  if (points.length === 0) {
    throw new RangeError("Cannot draw hot areas: need a network with a kernel size");
  }
  const means = meansOf(points);
  const kernels = [...new Set(means.map(({ kernelSize }) => kernelSize))];
  const last = means.filter(({ kernelSize }) => kernelSize === kernels.at(-1))
    .sort((a, b) => b.area - a.area);
  const object = [{ area: 100 * rows[0]!.scores.objectArea.mean }];
  const place = { x: "kernelSize", y: "area" };
  return plot({
    width: 560,
    height: 320,
    marginLeft: 56,
    marginRight: 100,
    marginBottom: 44,
    x: { ticks: kernels, tickFormat: "d", ...axisLabel("kernel size", "center") },
    y: {
      grid: true,
      zero: true,
      ...axisLabel("image that is hot (%); dashed: area of the object", "top"),
    },
    color: { domain: ["Grad-CAM", "Eigen-CAM"], range: [colours.blue, colours.vermilion] },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleY(object, { y: "area", stroke: grey, strokeDasharray: "4 3" }),
      Plot.line(means, { ...place, stroke: "method", strokeWidth: 2 }),
      Plot.dot(points, { ...place, fill: "method", symbol: "method", r: 4.5, title: "title" }),
      ...last.map((point, i) =>
        Plot.text([point], {
          ...place,
          text: "method",
          fill: "method",
          dx: 10,
          dy: last.length > 1 ? [-7, 7][i]! : 0, // keeps names apart where lines end together
          textAnchor: "start",
        })
      ),
    ],
  });
}

interface Point extends MeanPoint {
  /** Network, value, seed and run, for the pointer. */
  readonly title: string;
}

/** A mean over networks of one kernel size. */
interface MeanPoint {
  readonly method: CamScoreRow["method"];
  readonly kernelSize: number;
  readonly area: number;
}

/** One point for each method and kernel size, in order of size. */
function meansOf(points: readonly Point[]): MeanPoint[] {
  const groups = Map.groupBy(points, ({ method, kernelSize }) => `${method} ${kernelSize}`);
  return [...groups.values()].map((group) => ({
    ...group[0]!,
    area: group.reduce((sum, { area }) => sum + area, 0) / group.length,
  })).sort((a, b) => a.kernelSize - b.kernelSize);
}
