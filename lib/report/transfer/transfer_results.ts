/**
 * Results of `compareTransfer`: scores and ranks by set, whether networks differ over all sets, and
 * whether larger kernels transfer better.
 */
import * as Plot from "@observablehq/plot";
import type { ArmTransfer, SetScores } from "lib/experiments/mod.ts";
import { criticalDifference, friedman, ranksOf } from "lib/stats/friedman.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { rises } from "lib/stats/verdicts.ts";
import { archStyles } from "lib/report/draw/arch_style.ts";
import { axisLabel, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import { percent } from "lib/report/tables/percent.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";
import { type TestedClaim, testedClaim } from "lib/report/results/tested_claim.ts";

const metricNames = {
  accuracy: "accuracy",
  meanPerClass: "mean per class",
  rocAuc: "area under ROC",
  map11: "11-point mAP",
} as const;

const protocolNames = {
  knn: "k-NN of 20 neighbours",
  probe:
    "linear probe; a fifth of the training images chooses its settings, and the test is looked at once",
  elevater:
    "ELEVATER's probe; its score is that of the epoch that is best on the test: too optimistic",
  finetune: "fine-tuning of the whole network, tested once",
} as const;

/**
 * One row per set, in percent by the set's own metric: each network's mean over seeds with its
 * standard error. The last row has the mean over sets, whatever their metrics.
 *
 * @throws {RangeError} If there is no network, or networks differ in their sets.
 */
export function transferTable(results: readonly ArmTransfer[]): Table {
  const cells = (valuesOf: (result: ArmTransfer) => readonly number[]) =>
    Object.fromEntries(results.flatMap((result) => {
      const { mean, standardError } = meanAndError(valuesOf(result));
      return [[`${result.name} (%)`, percent(mean)], [
        `${result.name} ± s.e.`,
        percent(standardError),
      ]];
    }));
  const rows = sharedSets(results).map(({ title, metric }, s) => ({
    set: title,
    metric: metricNames[metric],
    ...cells(({ scores }) => scores[s]!.values),
  }));
  const mean = { set: "mean over sets", metric: "–", ...cells(seedMeans) };
  const { scale, seeds, shots } = results[0]!;
  const labels = shots === undefined ? "all labels" : `${shots} images of each class`;
  return {
    ...tableOf([...rows, mean]),
    notes: [
      `By ${
        protocolNames[results[0]!.protocol]
      }. Means over ${seeds.length} seeds, ${labels}, scale ${scale}.`,
    ],
  };
}

/**
 * One row per network, the best first: its mean rank over sets with its standard error, and its rank
 * on each set, by means over seeds. Rank 1 is the best; equal scores share the mean of their ranks.
 *
 * @throws {RangeError} If there is no network, or networks differ in their sets.
 */
export function transferRanks(results: readonly ArmTransfer[]): Table {
  const sets = sharedSets(results);
  const bySet = rowsOf(results).map(ranksOf);
  const rows = results.map(({ name, scale, seeds, runs }, i) => {
    const own = bySet.map((row) => row[i]!);
    const { mean, standardError } = meanAndError(own);
    return {
      network: name,
      "mean rank": mean,
      "mean rank ± s.e.": standardError,
      ...Object.fromEntries(sets.map(({ title }, s) => [title, own[s]!])),
      ...originColumns({ scale, seeds, runs }),
    };
  }).sort((a, b) => a["mean rank"] - b["mean rank"]);
  return { ...tableOf(rows), notes: ["Standard errors of mean ranks are over sets."] };
}

/** The sets of all networks. */
function sharedSets(results: readonly ArmTransfer[]): readonly SetScores[] {
  const names = results.map(({ scores }) => scores.map(({ set }) => set).join(", "));
  if (names.length > 0 && names.every((own) => own === names[0])) return results[0]!.scores;
  throw new RangeError(
    `Cannot compare transfer: need networks with the same sets, got ${
      names.map((own) => `[${own}]`).join(" ") || "none"
    }`,
  );
}

/** For each seed, the mean of its scores over sets. */
function seedMeans({ scores, seeds }: ArmTransfer): number[] {
  return seeds.map((_, i) => meanAndError(scores.map(({ values }) => values[i]!)).mean);
}

/** `[sets, networks]`, the mean over seeds. */
function rowsOf(results: readonly ArmTransfer[]): number[][] {
  return sharedSets(results).map((_, s) =>
    results.map(({ scores }) => meanAndError(scores[s]!.values).mean)
  );
}

const [width, rowHeight] = [640, 30];

/**
 * Draws each network's mean rank over sets, the best on top, with bars of half of Nemenyi's critical
 * difference to either side: two networks whose bars do not meet differ at a level of 5 %. The line
 * above says what Friedman's test finds of all together (Demšar 2006).
 *
 * It takes sets as if they were independent; several are made of the same drawings.
 *
 * @throws {RangeError} If there are fewer than three networks or two sets, or networks differ in
 *   their sets.
 */
export function criticalDifferenceFigure(results: readonly ArmTransfer[]): Figure {
  const rows = rowsOf(results);
  const { statistic, pValue, meanRanks } = friedman(rows);
  const [k, n] = [results.length, rows.length];
  const half = criticalDifference(k, n) / 2;
  const styles = archStyles([...new Set(results.map(({ family }) => family))]);
  const marks = results.map(({ name, family }, i) => ({ name, family, rank: meanRanks[i]! }))
    .sort((a, b) => a.rank - b.rank)
    .map((mark, y) => ({
      ...{ ...mark, y, low: mark.rank - half, high: mark.rank + half },
      title: `${mark.name}: mean rank ${mark.rank.toFixed(2)} over ${n} sets`,
    }));
  const height = 70 + rowHeight * k;
  const drawn = plot({
    ...{ width, height, marginLeft: 150, marginRight: 20, marginTop: 10, marginBottom: 46 },
    x: {
      domain: [Math.min(1, marks[0]!.low) - 0.1, Math.max(k, marks.at(-1)!.high) + 0.1],
      grid: true,
      ...axisLabel("mean rank (1 is the best)", "center"),
    },
    y: { domain: [k - 0.5, -0.5], axis: null },
    marks: [
      Plot.text(marks, {
        ...{ y: "y", text: "name", frameAnchor: "left", dx: -140, textAnchor: "start" },
      }),
      ...marks.flatMap((mark) => {
        const { colour, symbol } = styles.get(mark.family)!;
        const look = { y: "y", stroke: colour, strokeWidth: 2 } as const;
        return [
          Plot.ruleY([mark], { ...look, x1: "low", x2: "high" }),
          Plot.dot([mark], { ...look, x: "rank", symbol, r: 5, fill: colour, title: "title" }),
        ];
      }),
    ],
  });
  const said = `Friedman: χ² = ${statistic.toFixed(1)}, p ${shownP(pValue)}, ${n} sets; ` +
    `critical difference ${(2 * half).toFixed(2)}: bars that do not meet differ`;
  const header = `<text x="10" y="18.5" font-size="12" fill="${grey}">${said}</text>`;
  return gridOf([drawn], { columns: 1, width, height, header });
}

function shownP(p: number): string {
  return p < 0.001 ? "&lt; 0.001" : `= ${p.toFixed(3)}`;
}

/**
 * Tests for each family of networks with several kernel sizes whether larger kernels transfer better,
 * for `verdicts`: a straight line over kernel sizes is fitted to each seed's scores, averaged over
 * all sets, and then on each set alone.
 *
 * @throws {RangeError} If no family has two kernel sizes, or networks differ in their sets.
 */
export function transferClaims(results: readonly ArmTransfer[]): TestedClaim[] {
  const sets = sharedSets(results);
  const families = [...Map.groupBy(results, ({ family }) => family)]
    .filter(([, arms]) => new Set(arms.map(({ kernelSize }) => kernelSize)).size > 1);
  if (families.length === 0) {
    throw new RangeError("Cannot test transfer over kernel sizes: no family has two of them");
  }
  return families.flatMap(([family, arms]) => {
    const test = (where: string, values: (arm: ArmTransfer) => readonly number[]) => {
      const finding = rises(arms.map(({ kernelSize }) => kernelSize!), arms.map(values));
      const says = `${family} transfers better with larger kernels, ${where}`;
      return testedClaim({ says, source: "ours", quoted: null, printed: null }, finding, arms);
    };
    const mean = ({ scores, seeds }: ArmTransfer) =>
      seeds.map((_, i) => meanAndError(scores.map(({ values }) => values[i]!)).mean);
    return [
      test("mean over sets", mean),
      ...sets.map(({ title }, s) => test(title, ({ scores }) => scores[s]!.values)),
    ];
  });
}
