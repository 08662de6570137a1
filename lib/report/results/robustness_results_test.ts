import { type Arm, armName, type RobustResult } from "lib/experiments/mod.ts";
import { exceeds, rises } from "lib/stats/verdicts.ts";
import { claims, table5 } from "lib/paper/mod.ts";
import { corruptionNames } from "lib/robustness/mod.ts";
import { verdicts } from "lib/report/results/verdict_table.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { robustClaims } from "lib/report/results/robust_claims.ts";
import {
  corruptionFigure,
  robustFigure,
  robustTable,
} from "lib/report/results/robustness_results.ts";
import type { Table } from "lib/report/tables/table_formats.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** The result of an arm with these accuracies on sketches; its other columns follow from them. */
function result(arm: Arm, ...sketch: number[]): RobustResult {
  const errors = Object.fromEntries(
    corruptionNames.map((name, c) => [name, Array(5).fill(0.5 + c / 100)]),
  );
  const set = { classes: 50, largest: 0.04 };
  const scores = sketch.map((all, seed) => ({
    clean: { ...set, images: 64, all: 0.3, among: 0.3 },
    errors,
    sketch: { ...set, images: 65, all, among: all },
    rendition: { ...set, images: 66, all, among: all + 0.1 },
    adversarial: { ...set, images: 20 + seed, all, among: all + 0.2 },
  }));
  return {
    ...arm,
    name: armName(arm),
    family: armName(arm).split(",")[0]!,
    knn: sketch,
    bestKnn: sketch,
    bestEpoch: sketch,
    linear: sketch.map((value) => value + 0.1),
    monitor: [],
    paper: {},
    data: "emoji",
    scale: "laptop",
    seeds: [0, 1, 2],
    runs: ["a", "b", "c"],
    corruption: sketch.map((value) => 1.2 - value),
    meanError: sketch.map((value) => 0.9 - value),
    sketch,
    rendition: sketch.map((value) => value / 2),
    adversarial: sketch.map((value) => value / 4),
    scores,
    baseline: "ResNet",
    printed: table5.rows.find((row) =>
      row.arch === "BC-SSL-T" && row.kernelSize === arm.kernelSize
    ),
  };
}

const bcssl = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize, batchNorm: true });
const results = [
  result(bcssl(3), 0.2, 0.21, 0.22),
  result(bcssl(9), 0.3, 0.32, 0.31),
  result({ arch: "swin" }, 0.25, 0.27, 0.23),
];

function rowOf({ columns, rows }: Table, row: number): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, i) => [column, (rows[row] as unknown[])[i]]));
}

Deno.test("robustTable() has Table 5's columns, the paper's beside ours, percent", () => {
  const table = robustTable(results);
  const row = rowOf(table, 0);
  assertClose(
    ["C ↓: paper (%)", "C ↓: ours (%)", "SK ↑: paper (%)", "SK ↑: ours (%)", "SK ↑ ± s.e."]
      .map((column) => row[column] as number),
    [61.82, 99, 23.18, 21, 0.57735],
    1e-5,
  );
  assertClose(row["error, not normalised (%)"] as number, 69);
  assertEquals([row.n, row.seeds, row.runs], [3, "0, 1, 2", "a, b, c"]);
  assertEquals(rowOf(table, 2)["C ↓: paper (%)"], undefined);
  assertTrue(table.notes![0]!.includes("A 20, 21, 22."), table.notes![0]!);
  assertTrue(!table.columns.some((column) => column.includes("among")), "emoji have all classes");
  const atPaper = robustTable(results.map((own) => ({ ...own, scale: "paper" })));
  assertClose(rowOf(atPaper, 0)["A among its 200 classes (%)"] as number, 41);
});

Deno.test("robustClaims() tests each column over kernel sizes and against Swin; of C, how far it falls", () => {
  const found = robustClaims(results);
  assertEquals(found.length, 8);
  assertEquals(found[1]!.claim, claims.sketchRises);
  assertEquals(found[1]!.finding, rises([3, 9], [results[0]!.sketch, results[1]!.sketch]));
  assertClose(found[0]!.finding.effect.mean, 0.1);
  assertClose(found[4]!.finding.effect.mean, 0.06);
  assertEquals(found[5]!.finding, exceeds(results[1]!.sketch, results[2]!.sketch));
  const { rows } = verdicts(found);
  const printed = rows.map((row) => (row as unknown[])[2] as number);
  assertClose(printed, [3.02, 2.15, 1.65, 1.51, 2.47, 4.39, 2.61, 1.17], 1e-6);
  assertEquals(found[0]!.runs.length, 6);
  assertThrows(() => robustClaims(results.slice(1)), RangeError, "need two of BC-SSL, got 1");
});

Deno.test("robustTable() says what chance is, and names the columns that are too near it", () => {
  const weak = results[0]!;
  const images = 65;
  const largest = 0.16;
  const limit = largest + 2 * Math.sqrt(largest * (1 - largest) / images); // 0.251
  const withSketch = (all: number): RobustResult => ({
    ...weak,
    scores: weak.scores.map((score) => ({ ...score, sketch: { ...score.sketch, largest, all } })),
  });
  const named = (result: RobustResult) => rowOf(robustTable([result]), 0)["near chance"];
  assertEquals([named(weak), named(withSketch(limit - 1e-3)), named(withSketch(limit + 1e-3))], [
    "",
    "SK",
    "",
  ]);
  assertEquals(named({ ...weak, meanError: [0.97, 0.95, 0.96] }), "C");
  const missing = weak.scores.map((score) => ({
    ...score,
    adversarial: { ...score.adversarial, all: 0 },
  }));
  assertEquals(named({ ...weak, scores: missing }), "A");
  assertEquals(named({ ...weak, family: "ResNet", scores: missing }), ""); // it chose the images
  const note = robustTable([withSketch(limit - 1e-3)]).notes![1]!;
  for (const words of ["Chance is 2.0 % (50 classes)", "4.0 % of the clean", "16.0 % of SK"]) {
    assertTrue(note.includes(words), note);
  }
  const [, sketch, rendition] = robustClaims([withSketch(limit - 1e-3), ...results.slice(1)]);
  assertEquals([sketch!.nearChance, rendition!.nearChance], [["BC-SSL, 3×3"], undefined]);
});

Deno.test("robustFigure() has four panels, corruptionFigure() a cell for each network and corruption", () => {
  const svg = toSvg(robustFigure(results));
  for (
    const text of ["C: mCE (%)", "SK: top-1", "R: top-1", "A: top-1", "Swin<"]
  ) {
    assertTrue(svg.includes(text), text);
  }
  const better = {
    ...results[1]!,
    scores: results[1]!.scores.map((score) => ({
      ...score,
      errors: { ...score.errors, fog: [0.1, 0.1, 0.1, 0.1, 0.6] },
    })),
  };
  const cells = toSvg(corruptionFigure([results[0]!, better]));
  assertEquals(cells.split("<rect").length - 1, 1 + 2 * 15); // the page is one
  for (const text of ["gaussian noise", ">20.0<", ">59.0<", "BC-SSL, 9×9"]) {
    assertTrue(cells.includes(text), text);
  }
  assertThrows(() => corruptionFigure([]), RangeError, "no result");
});
