/** Whether measures without labels put runs in the order of a linear probe: a table and a figure. */
import * as Plot from "@observablehq/plot";
import type { QualityScore } from "lib/experiments/mod.ts";
import { spearman } from "lib/stats/rank_correlation.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { archLegend, type ArchStyle, archStyles } from "lib/report/draw/arch_style.ts";
import { axisLabel, type Figure, grey, gridOf, plot } from "lib/report/draw/plot.ts";
import { percent } from "lib/report/tables/percent.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";

/** A measure as the figure draws it. */
interface Measure {
  /** Title of its axis. */
  readonly label: string;
  readonly value: (score: QualityScore) => number;
  /** The sign of ρ if the measure does what its paper says. */
  readonly expected: "+" | "−";
}

const measures: readonly Measure[] = [
  { label: "RankMe", value: ({ rankMe }) => rankMe, expected: "+" },
  { label: "LiDAR", value: ({ lidar }) => lidar, expected: "+" },
  {
    label: "α-ReQ: distance of α from 1",
    value: ({ alphaReQ }) => Math.abs(alphaReQ - 1),
    expected: "−",
  },
];

/**
 * Means over the seeds of each name, with standard errors: the three measures without labels, and
 * the linear probe in percent. Runs whose α-ReQ is NaN are left out of its mean.
 *
 * @throws {RangeError} If there is no run.
 */
export function qualityTable(scores: readonly QualityScore[]): Table {
  const [first] = scores;
  if (first === undefined) throw new RangeError("Cannot make a table of quality: there is no run");
  const rows = [...Map.groupBy(scores, ({ name }) => name)].map(([name, runs]) => {
    const of = (value: (score: QualityScore) => number) => {
      const values = runs.map(value).filter((value) => !Number.isNaN(value));
      return values.length > 0 ? meanAndError(values) : { mean: NaN, standardError: NaN };
    };
    const [rankMe, alphaReQ, lidar, linear] = [
      of(({ rankMe }) => rankMe),
      of(({ alphaReQ }) => alphaReQ),
      of(({ lidar }) => lidar),
      of(({ linear }) => percent(linear)),
    ];
    return {
      name,
      "RankMe": rankMe.mean,
      "RankMe ± s.e.": rankMe.standardError,
      "α-ReQ": alphaReQ.mean,
      "α-ReQ ± s.e.": alphaReQ.standardError,
      "LiDAR": lidar.mean,
      "LiDAR ± s.e.": lidar.standardError,
      "linear top-1 (%)": linear.mean,
      "linear ± s.e.": linear.standardError,
      features: runs[0]!.featureDim,
      n: runs.length,
      scale: runs[0]!.scale,
      seeds: runs.map(({ seed }) => seed).join(", "),
      runs: runs.map(({ run }) => run).join(", "),
    };
  });
  const { images, lidarImages, lidarViews } = first;
  const note = `RankMe and α-ReQ on ${images} training images, without labels; LiDAR on ` +
    `${lidarViews} views of each of ${lidarImages} images. α-ReQ is the better the nearer to 1.`;
  return { ...tableOf(rows), notes: [note] };
}

/**
 * Draws the linear probe against each measure without labels, a mark for each run. Above a panel
 * stand Spearman's ρ over the runs, its interval of 95 % and its p value: whether the measure puts
 * the runs in the order of the labels. Seeds of one network are not independent, so that the
 * interval is too narrow where there are few networks.
 *
 * α-ReQ is drawn as the distance of α from 1, where its paper finds the best features, so a ρ of −1
 * is its perfect order. Runs without an α are left out of its panel.
 *
 * @throws {RangeError} If there are fewer than two runs.
 */
export function qualityFigure(scores: readonly QualityScore[]): Figure {
  if (scores.length < 2) {
    throw new RangeError(
      `Cannot compare orders of runs: need 2 or more, current number is ${scores.length}`,
    );
  }
  const styles = archStyles(scores.map(({ name }) => name));
  const linear = scores.map((score) => percent(score.linear));
  const accuracies = [Math.min(...linear), Math.max(...linear)] as const;
  const drawn = measures.filter(({ value }) => scores.filter(hasValue(value)).length >= 2);
  const panels = drawn.map((measure) =>
    panel(scores.filter(hasValue(measure.value)), measure, { styles, accuracies })
  );
  const header = archLegend(styles, cell.width * panels.length);
  return gridOf(panels, { ...cell, columns: panels.length, header });
}

const cell = { width: 330, height: 320 };

function hasValue(value: Measure["value"]): (score: QualityScore) => boolean {
  return (score) => !Number.isNaN(value(score));
}

function panel(
  scores: readonly QualityScore[],
  { label, value, expected }: Measure,
  { styles, accuracies }: {
    readonly styles: ReadonlyMap<string, ArchStyle>;
    /** The lowest and the highest of all panels. */
    readonly accuracies: readonly [number, number];
  },
): Figure {
  const points = scores.map((score) => ({
    x: value(score),
    y: percent(score.linear),
    name: score.name,
    title: `${score.name}, seed ${score.seed}: ${percent(score.linear).toFixed(1)} %, ` +
      `${label} ${value(score).toPrecision(3)}\n${score.run}`,
  }));
  const found = spearman(points.map(({ x }) => x), points.map(({ y }) => y));
  const [low, high] = found.interval.map((end) => signed(end));
  const lines = [
    `ρ = ${signed(found.rho)}, 95 %: ${low} to ${high}`,
    `p = ${found.pValue.toPrecision(2)}, ${found.n} runs; its paper expects ${expected}`,
  ];
  const line = (text: string, dy: number) =>
    Plot.text([text], {
      ...{ text: (text: string) => text, frameAnchor: "top-right", dy },
      ...{ fill: grey, fontSize: 12 },
    });
  return plot({
    ...cell,
    ...{ marginLeft: 52, marginTop: 68, marginBottom: 44, marginRight: 18, inset: 10 },
    x: { ticks: 4, grid: true, ...axisLabel(label, "center") },
    y: {
      domain: [...accuracies],
      ticks: 5,
      grid: true,
      ...axisLabel("linear probe top-1 (%)", "top"),
    },
    marks: [
      ...[...styles].map(([name, { colour, symbol }]) =>
        Plot.dot(points.filter((point) => point.name === name), {
          ...{ x: "x", y: "y", title: "title", r: 5, symbol, fill: colour },
        })
      ),
      ...lines.map((text, i) => line(text, -40 + 16 * i)),
    ],
  });
}

/** `+0.71`, `−0.30`. */
function signed(value: number): string {
  if (Number.isNaN(value)) return "none";
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}
