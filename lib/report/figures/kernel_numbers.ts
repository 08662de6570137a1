/** Depthwise kernels in numbers, before and after training. */
import * as Plot from "@observablehq/plot";
import type { ArmKernels } from "lib/experiments/mod.ts";
import {
  type DepthwiseKernels,
  kernelReach,
  meanFrequency,
  meanSpectrum,
} from "lib/explain/mod.ts";
import { axisLabel, colours, type Figure, grey, plot } from "lib/report/draw/plot.ts";

/**
 * Reach and mean frequency of all kernels before and after training, a row for each arm: means over
 * layers and seeds, with how far the seeds differ.
 */
export function kernelTable(arms: readonly ArmKernels[]): Record<string, unknown>[] {
  return arms.map(({ name, kernelSize, before, after, seeds }) => {
    const [first, last] = [before, after].map((all) => all.map(measured));
    const column = (all: typeof first, key: "reach" | "frequency") =>
      Math.round(1000 * mean(all!.map((seed) => seed[key]))) / 1000;
    const spread = (key: "reach" | "frequency") => {
      const values = last!.map((seed) => seed[key]);
      return Math.round(1000 * (Math.max(...values) - Math.min(...values))) / 1000;
    };
    return {
      network: name,
      "kernel size": kernelSize,
      "reach before": column(first, "reach"),
      "reach after": column(last, "reach"),
      "reach, range over seeds": spread("reach"),
      "frequency before": column(first, "frequency"),
      "frequency after": column(last, "frequency"),
      "frequency, range over seeds": spread("frequency"),
      seeds: seeds.length,
    };
  });
}

/**
 * Draws the mean frequency that kernels pass against their size, a line before training and one after
 * it; means over layers and seeds.
 */
export function kernelFrequencyFigure(arms: readonly ArmKernels[]): Figure {
  const points = arms.flatMap(({ kernelSize, before, after }) =>
    Object.entries({ "before training": before, "after training": after }).map(([time, all]) => ({
      kernelSize,
      time,
      frequency: mean(all.map((layers) => measured(layers).frequency)),
    }))
  );
  const sizes = arms.map(({ kernelSize }) => kernelSize);
  const last = points.filter(({ kernelSize }) => kernelSize === Math.max(...sizes));
  const at = { x: "kernelSize", y: "frequency" } as const;
  return plot({
    width: 560,
    height: 300,
    marginLeft: 56,
    marginRight: 130,
    marginBottom: 44,
    x: { ticks: sizes, tickFormat: "d", ...axisLabel("kernel size", "center") },
    y: {
      grid: true,
      domain: [0, 0.42], // noise has 0.38
      ...axisLabel("mean frequency (cycles per position)", "top"),
    },
    color: { domain: ["before training", "after training"], range: [grey, colours.blue] },
    marks: [
      Plot.ruleY([0]),
      Plot.line(points, { ...at, stroke: "time", strokeWidth: 2 }),
      Plot.dot(points, { ...at, fill: "time", symbol: "time", r: 4.5 }),
      Plot.text(last, { ...at, text: "time", fill: "time", dx: 10, textAnchor: "start" }),
    ],
  });
}

/** Means over the layers of one network. */
function measured(layers: readonly DepthwiseKernels[]) {
  return {
    reach: mean(layers.map(kernelReach)),
    frequency: mean(layers.map((kernels) => meanFrequency(meanSpectrum(kernels)))),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
