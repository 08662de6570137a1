/** Accuracies of a few networks beside each other, by k-NN and by linear probe. */
import * as Plot from "@observablehq/plot";
import type { ArmResult } from "lib/experiments/mod.ts";
import { type ArchStyle, archStyles } from "lib/report/draw/arch_style.ts";
import { axisLabel, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import { seedLines } from "lib/report/figures/seed_points.ts";
import { confidenceInterval, meanAndError } from "lib/stats/statistics.ts";

/** A network's mean with its interval, percent. */
interface NetworkMark {
  readonly name: string;
  readonly mean: number;
  /** Ends of the interval of 95 %, or the mean with fewer than three seeds. */
  readonly low: number;
  readonly high: number;
  readonly title: string;
}

const [width, rowHeight] = [420, 42];

/**
 * Draws a row for each network, in their order, and a panel for each accuracy. A large mark is the
 * mean over seeds, filled if there are three or more, with a bar, its interval of 95 %; a small dot
 * is one seed.
 *
 * @throws {RangeError} If there is no network.
 */
export function networkFigure(results: readonly ArmResult[]): Figure {
  if (results.length === 0) throw new RangeError("Cannot draw networks: there is none");
  const styles = archStyles(results.map(({ family }) => family));
  const height = 76 + rowHeight * results.length;
  const panels = ([["knn", "k-NN"], ["linear", "linear probe"]] as const).map(([score, title]) =>
    panel(results, { score, label: `${title} top-1 (%)`, styles, height })
  );
  const header = `<text x="16" y="18" font-size="12" fill="${grey}">` +
    "mark: mean, bar: interval of 95 % over seeds; dots: seeds</text>";
  return gridOf(panels, { columns: 2, width, height, header });
}

function panel(
  results: readonly ArmResult[],
  { score, label, styles, height }: {
    readonly score: "knn" | "linear";
    readonly label: string;
    readonly styles: ReadonlyMap<string, ArchStyle>;
    readonly height: number;
  },
): Figure {
  const names = results.map(({ name }) => name);
  const dots = results.flatMap(({ name, seeds, runs, [score]: values }) =>
    values.map((fraction, i) => {
      const value = 100 * fraction;
      const lines = seedLines([value], { seeds: [seeds[i]!], runs: [runs[i]!] });
      return { name, value, title: name + lines };
    })
  );
  return plot({
    ...{ width, height, marginLeft: 118, marginTop: 10, marginBottom: 46, marginRight: 24 },
    x: { grid: true, nice: true, ticks: 5, inset: 8, ...axisLabel(label, "center") },
    y: { type: "point", domain: names, label: null, tickSize: 0, padding: 0.5 },
    marks: [
      ...results.flatMap((result) => marksOf(result, result[score], styles.get(result.family)!)),
      Plot.dot(dots, { y: "name", x: "value", dy: 12, r: 2, fill: grey, title: "title" }),
    ],
  });
}

function marksOf(
  { name }: ArmResult,
  values: readonly number[],
  { colour, symbol }: ArchStyle,
): Plot.Markish[] {
  const effect = meanAndError(values.map((value) => 100 * value));
  const { mean, n } = effect;
  const [low, high] = n > 2 ? confidenceInterval(effect) : [mean, mean];
  const seeds = `${n} ${n === 1 ? "seed" : "seeds"}`;
  const mark: NetworkMark = {
    name,
    mean,
    low,
    high,
    title: `${name}: ${mean.toFixed(2)} %, ${seeds}`,
  };
  const place = { y: "name", stroke: colour, strokeWidth: 2 } as const;
  const fill = n > 2 ? colour : "white";
  return [
    Plot.ruleY([mark], { ...place, x1: "low", x2: "high" }),
    Plot.dot([mark], { ...place, x: "mean", r: 5, symbol, fill, title: "title" }),
  ];
}
