import { detectorArmName, type DetectorArmResult } from "lib/experiments/mod.ts";
import { exceeds, rises } from "lib/stats/verdicts.ts";
import { type Claim, claims, table4 } from "lib/paper/mod.ts";
import { verdicts } from "lib/report/results/verdict_table.ts";
import {
  detectorClaims,
  detectorFigure,
  detectorTable,
} from "lib/report/results/detector_results.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** The result of an arm with these APs of boxes; its other columns follow from them. */
function result(kernelSize: number, pretrained: boolean, ...boxAp: number[]): DetectorArmResult {
  const times = (factor: number) => boxAp.map((value) => value * factor);
  const row = table4.rows.find((row) => row.epochs === 100 && row.kernelSize === kernelSize);
  return {
    kernelSize,
    pretrained,
    name: detectorArmName({ kernelSize, pretrained }),
    boxAp,
    boxAp50: times(1.5),
    boxAp75: times(1.1),
    maskAp: times(0.8),
    maskAp50: times(1.4),
    maskAp75: times(0.7),
    paper: pretrained ? row : undefined,
    scale: "laptop",
    seeds: [0, 1, 2],
    runs: [0, 1, 2].map((seed) => `${pretrained ? "p" : "s"}${kernelSize}-${seed}`),
  };
}

const results = [
  result(3, true, 0.4, 0.42, 0.41),
  result(5, true, 0.43, 0.42, 0.44),
  result(9, true, 0.45, 0.46, 0.47),
  result(3, false, 0.2, 0.22, 0.25),
  result(9, false, 0.21, 0.2, 0.25),
];

Deno.test("detectorTable() has Table 4's columns, the paper's beside ours, percent", () => {
  const { columns, rows } = detectorTable(results);
  const rowOf = (row: number) =>
    Object.fromEntries(columns.map((column, i) => [column, (rows[row] as unknown[])[i]]));
  const first = rowOf(0);
  assertClose(
    ["box AP: paper (%)", "box AP: ours (%)", "box AP ± s.e.", "mask AP75: paper (%)"]
      .map((column) => first[column] as number),
    [45, 41, 0.57735, 43.6],
    1e-5,
  );
  assertClose(first["mask AP50: ours (%)"] as number, 57.4);
  assertEquals([first.n, first.scale, first.seeds, first.runs], [
    3,
    "laptop",
    "0, 1, 2",
    "p3-0, p3-1, p3-2",
  ]);
  const scratch = rowOf(3);
  assertEquals([scratch.backbone, scratch["box AP: paper (%)"]], [
    "BC-SSL, 3×3, from scratch",
    undefined,
  ]);
});

Deno.test("detectorFigure() draws the pre-trained, those from scratch, and the paper's", () => {
  const svg = toSvg(detectorFigure(results, "mask"));
  const titles = ["mask AP (%)", "mask AP50 (%)"];
  for (const text of [...titles, ">BC-SSL<", ">from scratch<"]) {
    assertTrue(svg.includes(text), `${text} is missing`);
  }
  assertTrue(svg.includes("41.3") && svg.includes("64.7"), "the paper's 9×9, AP and AP50");
  assertTrue(toSvg(detectorFigure(results, "box")).includes("46.3"), "the paper's 9×9, boxes");
});

Deno.test("detectorClaims() takes trends over the pre-trained, and pairs both ways by kernel size and seed", () => {
  const found = detectorClaims(results);
  assertEquals(found.slice(0, 4).map(({ claim }) => claim), [
    claims.cocoBoxRises,
    claims.cocoMaskRises,
    claims.cocoBox50Rises,
    claims.cocoMask50Rises,
  ]);
  const line = rises([3, 5, 9], [0, 1, 2].map((i) => results[i]!.boxAp));
  assertClose(found[0]!.finding.effect.mean, line.effect.mean);
  assertClose(found[1]!.finding.effect.mean, 0.8 * line.effect.mean);
  assertClose(found[2]!.finding.effect.mean, 1.5 * line.effect.mean);
  assertClose(found[3]!.finding.effect.mean, 1.4 * line.effect.mean);
  assertClose([2, 3].map((i) => (found[i]!.claim as Claim).printed!), [0.013, 0.012]);
  const above = exceeds([0.425, 0.44, 0.44], [0.205, 0.21, 0.25]); // of 3×3 and 9×9
  assertClose(found[4]!.finding.effect.mean, above.effect.mean);
  assertClose(found[4]!.finding.pValue, above.pValue, 1e-6);
  assertClose(found[5]!.finding.effect.mean, 0.8 * above.effect.mean);
  assertClose(found[6]!.finding.effect.mean, 1.5 * above.effect.mean);
  assertEquals(
    (found[7]!.claim as Claim).says,
    "Pre-training beats from scratch, by AP50 of masks",
  );
  assertEquals(found.map(({ runs }) => runs.length), [9, 9, 9, 9, 12, 12, 12, 12]);
  assertEquals(verdicts(found).rows.length, 8);
  assertEquals(detectorClaims(results.slice(0, 3)).length, 4);
  assertEquals(detectorClaims([results[0]!, results[3]!]).length, 4);
  assertThrows(() => detectorClaims(results.slice(0, 1)), RangeError, "got BC-SSL, 3×3");
});
