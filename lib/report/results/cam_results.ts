/** Results of `armCams` over seeds: a table, and tests of the paper's claim. */
import type { ArmCams, CamScoreRow } from "lib/experiments/mod.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { bcSslResults, risingClaim, type TestedClaim } from "./tested_claim.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";

type Score = keyof CamScoreRow["scores"];

const methods = ["Grad-CAM", "Eigen-CAM"] as const;

const labels = {
  pointing: "points at it",
  energy: "energy on it",
  iou: "IoU",
  covered: "object hot",
  hotArea: "image hot",
} as const satisfies Partial<Record<Score, string>>;

/**
 * One row per arm and method, in percent: each score's mean over images and seeds, and its standard
 * error over seeds. A map with one value everywhere gets the object's area as its first three
 * scores.
 */
export function armCamTable(results: readonly ArmCams[]): Table {
  const rows = methods.flatMap((method) =>
    results.map((result) => {
      const { name, seeds, scale, runs } = result;
      const { n } = scoresOf(result, method)[0]!.iou;
      const cells = Object.entries(labels).map(([score, label]) => {
        const { mean, standardError } = meanAndError(bySeed(result, method, score as Score));
        return { [`${label} (%)`]: 100 * mean, [`${label} ± s.e.`]: 100 * standardError };
      });
      const area = meanAndError(bySeed(result, method, "objectArea")).mean;
      return {
        network: name,
        method,
        layer: layersOf(result, method),
        ...Object.assign({}, ...cells),
        "object's area (%)": 100 * area,
        images: n,
        ...originColumns({ scale, seeds, runs }),
      };
    })
  );
  return tableOf(rows);
}

/** Names of the layers whose maps were scored. */
function layersOf({ rows }: ArmCams, method: CamScoreRow["method"]): string {
  return rows.find((row) => row.method === method)!.layers.join(", ");
}

function scoresOf({ rows }: ArmCams, method: CamScoreRow["method"]) {
  return rows.filter((row) => row.method === method).map(({ scores }) => scores);
}

/** Means over images, one for each seed. */
function bySeed(result: ArmCams, method: CamScoreRow["method"], score: Score): number[] {
  return scoresOf(result, method).map((scores) => scores[score].mean);
}

const tested = [
  { method: "Grad-CAM", score: "hotArea", name: "gradCamHotArea" },
  { method: "Grad-CAM", score: "covered", name: "gradCamCovered" },
  { method: "Grad-CAM", score: "iou", name: "gradCamIou" },
  { method: "Eigen-CAM", score: "hotArea", name: "eigenCamHotArea" },
  { method: "Eigen-CAM", score: "covered", name: "eigenCamCovered" },
  { method: "Eigen-CAM", score: "iou", name: "eigenCamIou" },
] as const;

/**
 * Tests the paper's claim that the region BC-SSL looks at grows with the kernel and covers the
 * object (§5.1), by t-tests of slopes over the kernel sizes that were run; for `verdicts`. The
 * paper shows it in pictures and prints no number.
 *
 * @throws {RangeError} If fewer than two kernel sizes of BC-SSL were run.
 */
export function camClaims(results: readonly ArmCams[]): TestedClaim[] {
  const arms = bcSslResults(results, "maps");
  return tested.map(({ method, score, name }) =>
    risingClaim(name, arms, (arm) => bySeed(arm, method, score))
  );
}
