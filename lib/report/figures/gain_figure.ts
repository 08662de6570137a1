/** How much a large kernel gains over a small one, setting by setting. */
import * as Plot from "@observablehq/plot";
import { figure2 } from "lib/paper/mod.ts";
import type { KernelGain } from "lib/experiments/mod.ts";
import { confidenceInterval, meanAndError } from "lib/stats/statistics.ts";
import { axisLabel, colours, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";

/** Which accuracy is compared. */
export type GainScore = "knn" | "linear";

const scoreNames = { knn: "k-NN", linear: "linear probe" } as const;

/** A gain in points, with the interval of 95 % where there are two seeds or more. */
interface GainPoint {
  readonly name: string;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly title: string;
}

/**
 * Draws the gain of the large kernel in points, one panel for each axis and one mark for each of
 * its settings, in their order. A filled mark has two seeds or more, and a bar, its interval of
 * 95 %; a hollow mark has one seed, which tells little. Above the zero line the large kernel wins.
 * A dashed line is what the paper prints on ImageNet (Figure 2).
 *
 * @throws {RangeError} If there is nothing to draw.
 */
export function gainFigure(gains: readonly KernelGain[], score: GainScore = "knn"): Figure {
  if (gains.length === 0) throw new RangeError("Cannot draw gains: there is no setting");
  const points = new Map(gains.map((gain) => [gain, gainPoint(gain, score)]));
  const all = [...points.values()];
  const printed = score === "knn" ? printedGain(gains[0]!) : undefined;
  const low = Math.min(0, ...all.map((point) => point.low));
  const high = Math.max(0, printed ?? 0, ...all.map((point) => point.high));
  const room = Math.max((high - low) / 12, 0.1);
  const domain = [low - room, high + room] as const;
  const panels = [...Map.groupBy(gains, ({ axis }) => axis)].map(([axis, own]) =>
    panel(own.map((gain) => points.get(gain)!), { axis, score, domain, printed })
  );
  const key = "filled: interval of 95 % over seeds; hollow: one seed" +
    (printed === undefined ? "" : "; dashed: the paper, on ImageNet-1K");
  const header = `<text x="8" y="18" font-size="12" fill="${grey}">${key}</text>`;
  return gridOf(panels, { columns: 2, width: 400, height: 280, header });
}

function panel(
  points: readonly GainPoint[],
  { axis, score, domain, printed }: {
    readonly axis: string;
    readonly score: GainScore;
    readonly domain: readonly [number, number];
    readonly printed: number | undefined;
  },
): Figure {
  const place = { x: "name", y: "y", title: "title" } as const;
  return plot({
    width: 400,
    height: 280,
    marginLeft: 52,
    marginTop: 36,
    marginBottom: 52,
    x: {
      type: "point",
      domain: points.map(({ name }) => name),
      padding: 0.7,
      ...axisLabel(axis, "center"),
    },
    y: {
      domain: [...domain],
      grid: true,
      ...axisLabel(`gain in ${scoreNames[score]} (points)`, "top"),
    },
    marks: [
      Plot.ruleY([0], { stroke: grey }),
      ...printed === undefined
        ? []
        : [Plot.ruleY([printed], { stroke: colours.vermilion, strokeDasharray: "5 4" })],
      Plot.ruleX(points.filter(({ n }) => n > 1), {
        x: "name",
        y1: "low",
        y2: "high",
        stroke: colours.blue,
        strokeWidth: 2,
      }),
      Plot.dot(points, {
        ...place,
        r: 5,
        stroke: colours.blue,
        strokeWidth: 2,
        fill: ({ n }: GainPoint) => n > 1 ? colours.blue : "white",
      }),
    ],
  });
}

function gainPoint(gain: KernelGain, score: GainScore): GainPoint {
  const { mean, standardError, n } = meanAndError(gain[score].map((value) => 100 * value));
  const [low, high] = n > 1 ? confidenceInterval({ n, mean, standardError }) : [mean, mean];
  const error = n > 1 ? ` ± ${standardError.toFixed(2)}` : "";
  const seeds = `${n} ${n === 1 ? "seed" : "seeds"}`;
  const title = `${gain.name}: ${mean.toFixed(2)}${error} points, ${seeds}`;
  return { name: gain.name, y: mean, low, high, n, title };
}

/** The paper's gain of BC-SSL-T between the two kernel sizes, in points, if it prints both. */
function printedGain({ small, large }: KernelGain): number | undefined {
  const of = (kernelSize: number | undefined) =>
    figure2.rows.find((row) => row.arch === "BC-SSL-T" && row.kernelSize === kernelSize)?.knn;
  const [less, more] = [of(small.kernelSize), of(large.kernelSize)];
  return less === undefined || more === undefined ? undefined : 100 * (more - less);
}

/** Rows for `saveTable`: the gain in each setting, in points, with its standard error. */
export function gainTable(gains: readonly KernelGain[]): object[] {
  return gains.map(({ axis, name, mapSide, small, large, knn, linear, seeds }) => {
    const of = (values: readonly number[]) => meanAndError(values.map((value) => 100 * value));
    const [neighbours, probe] = [of(knn), of(linear)];
    const share = (kernelSize = 0) => (kernelSize / mapSide).toFixed(2);
    return {
      axis,
      setting: name,
      "kernel : map": `${share(small.kernelSize)} → ${share(large.kernelSize)}`,
      "k-NN, small (%)": 100 * meanAndError(small.knn).mean,
      "gain in k-NN (points)": neighbours.mean,
      "gain in k-NN ± s.e.": neighbours.standardError,
      "gain in linear (points)": probe.mean,
      "gain in linear ± s.e.": probe.standardError,
      n: neighbours.n,
      data: small.data,
      scale: small.scale,
      seeds: seeds.join(", "),
      runs: [...small.runs, ...large.runs].join(", "),
    };
  });
}
