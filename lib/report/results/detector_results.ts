/**
 * Results of `ablateDetectors` beside Table 4: a table, figures over kernel sizes, and tests of
 * claims.
 */
import {
  type DetectorArmResult,
  type DetectorMetric,
  detectorMetrics,
} from "lib/experiments/mod.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { kernelSizeFigure } from "lib/report/figures/kernel_size_figure.ts";
import { type Figure, gridOf } from "lib/report/draw/plot.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";
import { aboveClaim, risingClaim, type TestedClaim } from "./tested_claim.ts";
import { percent } from "lib/report/tables/percent.ts";

const headings: Readonly<Record<DetectorMetric, string>> = {
  boxAp: "box AP",
  boxAp50: "box AP50",
  boxAp75: "box AP75",
  maskAp: "mask AP",
  maskAp50: "mask AP50",
  maskAp75: "mask AP75",
};

/**
 * Table 4's columns, in percent: the paper's number on COCO, and ours with its standard error over
 * seeds.
 */
export function detectorTable(results: readonly DetectorArmResult[]): Table {
  const rows = results.map((result) => {
    const { name, paper, scale, seeds, runs } = result;
    const columns = detectorMetrics.map((metric) => {
      const { mean, standardError } = meanAndError(result[metric]);
      const heading = headings[metric];
      return {
        [`${heading}: paper (%)`]: percent(paper?.[metric]),
        [`${heading}: ours (%)`]: percent(mean),
        [`${heading} ± s.e.`]: percent(standardError),
      };
    });
    return {
      "backbone": name,
      ...Object.assign({}, ...columns) as object,
      ...originColumns({ scale, seeds, runs }),
    };
  });
  const note =
    "Paper: BC-SSL-T, 100 epochs of pre-training, Mask R-CNN on COCO for 36 epochs; nothing from scratch. Ours: means over " +
    "seeds, after the last step, on val; at any scale but paper, small networks on scenes of emoji.";
  return { ...tableOf(rows), notes: [note] };
}

/**
 * Draws average precision against kernel size, a line for pre-trained detectors and one from
 * scratch: ours filled, the paper's hollow. COCO's own AP, the mean over overlaps from 50 to 95 %,
 * is above, and AP50 below.
 */
export function detectorFigure(
  results: readonly DetectorArmResult[],
  region: "box" | "mask",
): Figure {
  const panels = ([`${region}Ap`, `${region}Ap50`] as const).map((metric) => {
    const arms = results.map((result) => ({
      arch: result.pretrained ? "BC-SSL" : "from scratch",
      kernelSize: result.kernelSize,
      ours: result[metric],
      paper: result.paper?.[metric],
      seeds: result.seeds,
      runs: result.runs,
    }));
    return kernelSizeFigure(arms, { label: labels[metric] });
  });
  return gridOf(panels, { columns: 1, width: 800, height: 380 });
}

const labels = {
  boxAp: "box AP (%)",
  boxAp50: "box AP50 (%)",
  maskAp: "mask AP (%)",
  maskAp50: "mask AP50 (%)",
} as const satisfies Partial<Record<DetectorMetric, string>>;

/** Metrics that are tested, each with its claims. */
const tested = [
  { metric: "boxAp", rising: "cocoBoxRises", gain: "pretrainingHelpsBoxes" },
  { metric: "maskAp", rising: "cocoMaskRises", gain: "pretrainingHelpsMasks" },
  { metric: "boxAp50", rising: "cocoBox50Rises", gain: "pretrainingHelpsBoxes50" },
  { metric: "maskAp50", rising: "cocoMask50Rises", gain: "pretrainingHelpsMasks50" },
] as const;

/**
 * Tests, for `verdicts`, whether the average precision of boxes and of masks, AP and AP50, rises
 * over the kernel sizes of the pre-trained detectors, by a t-test of slopes; and whether
 * pre-trained detectors are above those from scratch, on average over the kernel sizes that were
 * run both ways, by a paired t-test. Tests of arms that were not run are left out.
 *
 * @throws {RangeError} If nothing can be tested.
 */
export function detectorClaims(results: readonly DetectorArmResult[]): TestedClaim[] {
  const pretrained = results.filter((result) => result.pretrained);
  const pairs = pretrained.flatMap((above) => {
    const below = results.find((other) =>
      !other.pretrained && other.kernelSize === above.kernelSize
    );
    return below ? [{ above, below }] : [];
  });
  const trends = new Set(pretrained.map(({ kernelSize }) => kernelSize)).size < 2
    ? []
    : tested.map(({ metric, rising }) => risingClaim(rising, pretrained, (arm) => arm[metric]));
  const [above, below] = [pairs.map((pair) => pair.above), pairs.map((pair) => pair.below)];
  const gains = pairs.length === 0
    ? []
    : tested.map(({ metric, gain }) => aboveClaim(gain, { above, below }, (arm) => arm[metric]));
  if (trends.length + gains.length > 0) return [...trends, ...gains];
  throw new RangeError(
    `Cannot test detectors: need two kernel sizes, or one both ways, got ${
      results.map(({ name }) => name).join("; ")
    }`,
  );
}
