/** The predicted efficiency of training on many nodes, with the assumptions below it. */
import * as Plot from "@observablehq/plot";
import {
  axisLabel,
  categorical,
  type Figure,
  gridOf,
  plot,
  stackOf,
} from "lib/report/draw/plot.ts";
import { escapeText } from "lib/report/draw/text.ts";
import {
  callCount,
  type GradientPrecision,
  gradientPrecisions,
  latencies,
  type Latency,
  predictedEfficiency,
  type StepMeasurement,
} from "./scaling_model.ts";

const nodeCounts = [1, 2, 4, 8, 16, 32, 64];
/** Bits a second of the networks, in thousand millions. */
const gigabits = [10, 100];
const [width, height] = [400, 300];

/** How the lines of each precision are drawn: whole, or in dashes. */
const dashes: Readonly<Record<GradientPrecision, string>> = { fp32: "none", bf16: "2 4" };

/**
 * Draws the share of a node's speed that is left on 1 to 64 nodes, at 10 and at 100 Gb/s: a line for
 * each way in which latency may grow and each precision of the gradients.
 *
 * @param measurements Of the same step, one for each precision.
 * @param measured What was measured, and on which machine: lines of the caption.
 */
export function scalingFigure(
  measurements: readonly StepMeasurement[],
  measured: readonly string[],
): Figure {
  const panels = gigabits.map((gigabit) => panel(measurements, gigabit));
  const pair = { ...gridOf(panels, { columns: 2, width, height, header: legend() }), height: 328 };
  return stackOf([pair, caption(captionLines(measurements, measured))], { width: 2 * width });
}

function panel(measurements: readonly StepMeasurement[], gigabit: number): Figure {
  const lines = measurements.flatMap((measurement) =>
    latencies.map((latency) => ({
      dash: dashes[measurement.gradients],
      points: pointsOf(measurement, latency, gigabit),
    }))
  );
  return plot({
    ...{ width, height, marginLeft: 46, marginTop: 34, marginBottom: 46, marginRight: 24 },
    x: {
      ...{ type: "log", base: 2, ticks: nodeCounts, tickFormat: "d" },
      ...axisLabel(`nodes at ${gigabit} Gb/s`, "center"),
    },
    y: { domain: [0, 100], grid: true, ...axisLabel("efficiency, predicted (%)", "top") },
    color: { domain: latencies, range: [...categorical] },
    marks: lines.flatMap(({ dash, points }) => [
      Plot.line(points, {
        ...{ x: "nodes", y: "efficiency", stroke: "latency" },
        ...{ strokeWidth: 2, strokeDasharray: dash },
      }),
      Plot.dot(points, { x: "nodes", y: "efficiency", fill: "latency", title: "title" }),
    ]),
  });
}

function pointsOf(measurement: StepMeasurement, latency: Latency, gigabit: number) {
  return nodeCounts.map((nodes) => {
    const efficiency = 100 * predictedEfficiency(measurement, { nodes, gigabit, latency });
    const seconds = 100 * measurement.computeSeconds / efficiency;
    const title = `${nodes} nodes, gradients in ${measurement.gradients}, latency ${latency}: ` +
      `${seconds.toPrecision(3)} s a step, ${efficiency.toFixed(0)} %`;
    return { nodes, latency, efficiency, title };
  });
}

/** The two ways of latency, each in the colour of its lines, and the two precisions. */
function legend(): string {
  const place: Readonly<Record<Latency, number>> = { "per call": 46, "per round of the ring": 200 };
  const ways = latencies.map((latency, i) =>
    `<circle cx="${place[latency]}" cy="15" r="5" fill="${categorical[i]}"/>` +
    `<text x="${place[latency] + 12}" y="19">latency ${latency}</text>`
  );
  const precisions = gradientPrecisions.map((name, i) => {
    const x = 446 + 160 * i;
    return `<line x1="${x}" x2="${
      x + 24
    }" y1="15" y2="15" stroke="currentColor" stroke-width="2" ` +
      `stroke-dasharray="${dashes[name]}"/><text x="${x + 32}" y="19">gradients in ${name}</text>`;
  });
  return [...ways, ...precisions].join("");
}

function captionLines(
  measurements: readonly StepMeasurement[],
  measured: readonly string[],
): string[] {
  const [{ computeSeconds, callSeconds }] = measurements as [StepMeasurement];
  const calls = measurements.map(({ calls, gradients }) => `${callCount(calls)} in ${gradients}`);
  return [
    `Measured: ${measured[0]};`,
    ...measured.slice(1).map((line) => `${line};`),
    `${computeSeconds.toPrecision(3)} s a step alone, calls a step: ${calls.join(", ")}; ${
      (1000 * callSeconds).toFixed(2)
    } ms a call of one number between two processes.`,
    "Assumed: every node has as many images as the one that was measured; a ring, in which a mean of b bytes",
    "sends 2 (n − 1)/n · b and a gather (n − 1) · b; computing and sending never overlap; the full bandwidth",
    "is used; the latency between nodes is that on one machine, and the same for any n, or n − 1 times as long.",
  ];
}

function caption(lines: readonly string[]): Figure & { readonly height: number } {
  const tall = 16 * lines.length + 14;
  const text = lines.map((line, i) =>
    `<text x="16" y="${16 * (i + 1)}" font-size="12">${escapeText(line)}</text>`
  );
  return {
    outerHTML: `<svg width="${2 * width}" height="${tall}">${text.join("")}</svg>`,
    height: tall,
  };
}
