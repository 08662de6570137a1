/**
 * Results of `compareMethods`: a table, what kernels and BatchNorm gain by method as a figure, and
 * whether that is DINO's gain or the network's.
 */
import * as Plot from "@observablehq/plot";
import type { Arm, MethodResult } from "lib/experiments/mod.ts";
import { confidenceInterval, meanAndError } from "lib/stats/statistics.ts";
import { exceeds } from "lib/stats/verdicts.ts";
import { axisLabel, colours, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import { seedLines } from "lib/report/figures/seed_points.ts";
import { percent } from "lib/report/tables/percent.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";
import { type ArmMetric, metricTitles } from "./ablation.ts";
import {
  aboveClaim,
  bcSslArm,
  differencesOf,
  resultOf,
  sharedSeeds,
  type Sides,
  type TestedClaim,
  testedClaim,
} from "./tested_claim.ts";

/**
 * One row per network and method, in percent: k-NN and linear probe with standard errors over
 * seeds, the best k-NN during training, RankMe, and the paper's Table 3 where it has the method on
 * that family of networks.
 */
export function methodTable(results: readonly MethodResult[]): Table {
  const rows = results.map((result) => {
    const { title, name, knn, bestKnn, linear, rankMe, printed } = result;
    const measured = rankMe.filter((value) => !Number.isNaN(value));
    const quality = measured.length > 0 ? meanAndError(measured) : undefined;
    return {
      method: title,
      network: name,
      "k-NN (%)": percent(meanAndError(knn).mean),
      "k-NN ± s.e.": percent(meanAndError(knn).standardError),
      "best k-NN on the way (%)": percent(meanAndError(bestKnn).mean),
      "linear (%)": percent(meanAndError(linear).mean),
      "linear ± s.e.": percent(meanAndError(linear).standardError),
      RankMe: quality?.mean,
      "RankMe ± s.e.": quality?.standardError,
      "paper: network": printed?.arch,
      "paper: k-NN (%)": percent(printed?.knn ?? undefined),
      "paper: linear (%)": percent(printed?.linear),
      ...originColumns(result),
    };
  });
  const note =
    "Ours: means over seeds, after the last step; the best on the way is chosen on the test images, " +
    "so it flatters. Paper: Table 3, ImageNet-1K, networks of full size. EsViT's networks here lack " +
    "the last stage.";
  return { ...tableOf(rows), notes: [note] };
}

/** What is gained: by kernels of 9×9 over 3×3, or by a BatchNorm after each of them. */
export type MethodGain = "kernel" | "batchNorm";

/** Words for each gain: a title, the claim that there is one, and what gains. */
const gainWords = {
  kernel: { title: "9×9 over 3×3", helps: "9×9 is better than 3×3", what: "9×9" },
  batchNorm: {
    title: "with BatchNorm over without",
    helps: "BatchNorm helps",
    what: "BatchNorm",
  },
} as const;

/**
 * The pairs of networks whose difference is the gain: those that the method trained both of. Gains
 * are averaged over the pairs: by kernels over networks with and without BatchNorm, by BatchNorm
 * over sizes of kernels.
 */
function sidesOf(gain: MethodGain, ofMethod: readonly MethodResult[]): Sides<MethodResult> {
  const plain = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize });
  const pairs: readonly (readonly [Arm, Arm])[] = gain === "kernel"
    ? [[bcSslArm(9), bcSslArm(3)], [plain(9), plain(3)]]
    : [3, 9].map((kernelSize) => [bcSslArm(kernelSize), plain(kernelSize)]);
  const run = pairs.flatMap((pair) => {
    const [above, below] = pair.map((arm) => resultOf(arm, ofMethod));
    return above && below ? [{ above, below }] : [];
  });
  return { above: run.map(({ above }) => above), below: run.map(({ below }) => below) };
}

/** The networks on both sides of a gain, for each method that trained them. */
function sidesByMethod(gain: MethodGain, results: readonly MethodResult[]) {
  return [...Map.groupBy(results, ({ title }) => title)].flatMap(([title, ofMethod]) => {
    const sides = sidesOf(gain, ofMethod);
    const arms = [...sides.above, ...sides.below];
    return arms.length > 0 ? [{ title, sides, arms }] : [];
  });
}

/**
 * Tests whether a gain is the network's or DINO's, for `verdicts`. For each method: that there is
 * the gain, by a paired t-test over seeds. For each method but DINO: that the gain is larger by DINO,
 * by a paired t-test of the two gains.
 *
 * @throws {RangeError} If no method trained both networks of a pair.
 */
export function methodClaims(
  results: readonly MethodResult[],
  { gain, metric }: { readonly gain: MethodGain; readonly metric: ArmMetric },
): TestedClaim[] {
  const methods = sidesByMethod(gain, results);
  const { helps, what } = gainWords[gain];
  if (methods.length === 0) {
    throw new RangeError(
      `Cannot test the gain of ${what}: no method trained both networks of a pair`,
    );
  }
  const claim = (says: string) => ({
    says,
    source: `ours, ${metricTitles[metric]}`,
    quoted: null,
    printed: null,
  });
  const values = (result: MethodResult) => result[metric];
  const gains = methods.map(({ title, sides }) =>
    aboveClaim(claim(`${title}: ${helps}`), sides, values)
  );
  const dino = methods.find(({ title }) => title === "DINO");
  if (dino === undefined) return gains;
  const comparisons = methods.filter((method) => method !== dino).map(({ title, sides, arms }) => {
    const all = [...dino.arms, ...arms];
    const seeds = sharedSeeds(all);
    const [byDino, byOther] = [dino.sides, sides].map((of) => differencesOf(of, values, seeds));
    const says = `${what} gains more by DINO than by ${title}`;
    return testedClaim(claim(says), exceeds(byDino!, byOther!), all);
  });
  return [...gains, ...comparisons];
}

/** A gain as it is drawn. */
interface GainMark {
  /** Place of the method, from the top. */
  readonly y: number;
  /** Mean over seeds, points. */
  readonly x: number;
  /** Ends of the bar, points. */
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly metric: ArmMetric;
  readonly title: string;
}

const looks = {
  knn: { colour: colours.blue, symbol: "circle", dy: -0.13 },
  linear: { colour: colours.vermilion, symbol: "square", dy: 0.13 },
} as const;
const metrics = ["knn", "linear"] as const;
const [width, rowHeight] = [440, 44];

/**
 * Draws what 9×9 kernels gain over 3×3, and BatchNorm over none, a row for each method: by k-NN and
 * by linear probe, in points. A filled mark has three seeds or more, and a bar, its interval of 95 %;
 * a hollow one has fewer, which tell little. Right of the zero line there is a gain.
 *
 * @throws {RangeError} If no method trained both networks of a pair.
 */
export function methodFigure(results: readonly MethodResult[]): Figure {
  const panels = (["kernel", "batchNorm"] as const).flatMap((gain) => {
    const methods = sidesByMethod(gain, results);
    return methods.length > 0 ? [{ gain, methods, marks: marksOf(methods) }] : [];
  });
  if (panels.length === 0) {
    throw new RangeError("Cannot draw gains: no method trained both networks of a pair");
  }
  const ends = panels.flatMap(({ marks }) => marks.flatMap(({ low, high }) => [low, high]));
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const room = Math.max((high - low) / 20, 0.1);
  const domain = [low - room, high + room] as const;
  const rows = Math.max(...panels.map(({ methods }) => methods.length));
  const height = 84 + rows * rowHeight;
  const drawn = panels.map(({ gain, methods, marks }) => {
    const names = methods.map(({ title }) => title);
    return panelOf(marks, { title: gainWords[gain].title, names, domain, height });
  });
  return gridOf(drawn, { columns: 2, width, height, header: legend() });
}

function marksOf(methods: ReturnType<typeof sidesByMethod>): GainMark[] {
  return methods.flatMap(({ title, sides, arms }, row) =>
    metrics.map((metric): GainMark => {
      const differences = differencesOf(sides, (result) => result[metric], sharedSeeds(arms));
      const effect = meanAndError(differences.map((value) => percent(value)));
      const { mean, n } = effect;
      const [low, high] = n > 2 ? confidenceInterval(effect) : [mean, mean];
      const seeds = `${n} ${n === 1 ? "seed" : "seeds"}`;
      const lines = seedLines(
        differences.map((value) => percent(value)),
        { seeds: sharedSeeds(arms) },
        "points",
      );
      const said = `${title}, ${metricTitles[metric]}: ${mean.toFixed(2)} points, ${seeds}${lines}`;
      return { y: row + looks[metric].dy, x: mean, low, high, n, metric, title: said };
    })
  );
}

function panelOf(
  marks: readonly GainMark[],
  { title, names, domain, height }: {
    readonly title: string;
    readonly names: readonly string[];
    readonly domain: readonly [number, number];
    readonly height: number;
  },
): Figure {
  return plot({
    ...{ width, height, marginLeft: 122, marginTop: 34, marginBottom: 46, marginRight: 16 },
    x: { domain: [...domain], grid: true, ticks: 5, ...axisLabel("gain (points)", "center") },
    y: { domain: [names.length - 0.5, -0.5], axis: null },
    marks: [
      Plot.ruleX([0], { stroke: grey }),
      Plot.text([title], {
        ...{ text: (text: string) => text, frameAnchor: "top", dy: -22, fontWeight: "bold" },
      }),
      Plot.text(names, {
        ...{ y: (_: string, i: number) => i, text: (name: string) => name },
        ...{ frameAnchor: "left", dx: -112, textAnchor: "start" },
      }),
      ...metrics.flatMap((metric) =>
        markOf(marks.filter((mark) => mark.metric === metric), metric)
      ),
    ],
  });
}

function markOf(marks: readonly GainMark[], metric: ArmMetric): Plot.Markish[] {
  const { colour, symbol } = looks[metric];
  const place = { y: "y", stroke: colour, strokeWidth: 2 } as const;
  return [
    Plot.ruleY(marks.filter(({ n }) => n > 2), { ...place, x1: "low", x2: "high" }),
    Plot.dot(marks, {
      ...{ ...place, x: "x", r: 4.5, symbol, title: "title" },
      fill: ({ n }: GainMark) => n > 2 ? colour : "white",
    }),
  ];
}

/** The key, as `gridOf`'s header. */
function legend(): string {
  const key = (x: number, metric: ArmMetric) => {
    const { colour, symbol } = looks[metric];
    const mark = symbol === "circle"
      ? `<circle cx="${x}" cy="14" r="5" fill="${colour}"/>`
      : `<rect x="${x - 4.5}" y="9.5" width="9" height="9" fill="${colour}"/>`;
    return `${mark}<text x="${x + 12}" y="18.5">${metricTitles[metric]}</text>`;
  };
  const said = "filled: interval of 95 % over seeds; hollow: one or two seeds";
  return `${key(20, "knn")}${key(90, "linear")}` +
    `<text x="170" y="18.5" font-size="12" fill="${grey}">${said}</text>`;
}
