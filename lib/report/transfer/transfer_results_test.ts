import type { ArmTransfer, LabelCurve } from "lib/experiments/mod.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { labelFigure, labelTable } from "./label_results.ts";
import {
  criticalDifferenceFigure,
  transferClaims,
  transferRanks,
  transferTable,
} from "./transfer_results.ts";
import { verdicts } from "lib/report/results/verdict_table.ts";

const sets = [["digits", "Digits"], ["letters", "Letters"], ["fonts", "Fonts"]] as const;

/** A BC-SSL whose scores on the three sets are these, with three seeds around them. */
function result(kernelSize: number, means: readonly number[]): ArmTransfer {
  const seeds = [0, 1, 2];
  return {
    ...{ arch: "convnext", kernelSize, batchNorm: true, family: "BC-SSL" },
    name: `BC-SSL, ${kernelSize}×${kernelSize}`,
    scores: sets.map(([set, title], s) => ({
      ...{ set, title, metric: "accuracy" },
      values: seeds.map((seed) => means[s]! + 0.001 * (seed - 1) * (1 + kernelSize / 10)),
    })),
    ...{ protocol: "probe", scale: "laptop", seeds, runs: seeds.map((s) => `k${kernelSize}-${s}`) },
  };
}
// Letters rise with the kernel by 4 points from 3 to 7, Fonts fall by 2, Digits are a tie and better.
const results = [
  result(3, [0.5, 0.60, 0.42]),
  result(5, [0.5, 0.62, 0.41]),
  result(7, [0.6, 0.64, 0.40]),
];

/** A cell by its row's first cell and its column. */
function cell({ columns, rows }: ReturnType<typeof transferTable>, row: string, column: string) {
  const found = rows.find((cells) => cells[0] === row) as readonly unknown[];
  return found[columns.indexOf(column)];
}

Deno.test("transferRanks() ranks networks on each set, shares ties, and begins with the best; equal ones keep their order", () => {
  const table = transferRanks(results);
  assertEquals(table.rows.map((row) => row[0]), ["BC-SSL, 7×7", "BC-SSL, 3×3", "BC-SSL, 5×5"]);
  const ranks = (name: string) =>
    ["Digits", "Letters", "Fonts"].map((set) => cell(table, name, set));
  assertEquals(ranks("BC-SSL, 3×3"), [2.5, 3, 1]);
  assertEquals(ranks("BC-SSL, 7×7"), [1, 1, 3]);
  assertClose(cell(table, "BC-SSL, 7×7", "mean rank") as number, 5 / 3, 1e-12);
  assertClose(cell(table, "BC-SSL, 7×7", "mean rank ± s.e.") as number, 2 / 3, 1e-12);
});

Deno.test("transferTable() has each set's metric and scores in percent, and says how they came about", () => {
  const table = transferTable(results);
  assertEquals(cell(table, "Letters", "metric"), "accuracy");
  assertClose(cell(table, "Letters", "BC-SSL, 5×5 (%)") as number, 62, 1e-9);
  assertClose(cell(table, "Letters", "BC-SSL, 5×5 ± s.e.") as number, 0.15 / Math.sqrt(3), 1e-9);
  assertClose(cell(table, "mean over sets", "BC-SSL, 5×5 (%)") as number, 51, 1e-9);
  const error = cell(table, "mean over sets", "BC-SSL, 5×5 ± s.e.") as number;
  assertClose(error, 0.15 / Math.sqrt(3), 1e-9); // the seeds of all sets differ alike
  assertTrue(table.notes![0]!.startsWith("By linear probe; a fifth"), table.notes![0]!);
  assertTrue(
    transferTable([{ ...results[0]!, shots: 5 }]).notes![0]!.includes("5 images of each"),
    "",
  );
  const other = { ...results[1]!, scores: results[1]!.scores.slice(1) };
  assertThrows(
    () => transferTable([results[0]!, other]),
    RangeError,
    "got [digits, letters, fonts] [letters, fonts]",
  );
  assertThrows(() => transferTable([]), RangeError, "got none");
});

Deno.test("transferClaims() tests the slope over kernel sizes, over all sets and on each", () => {
  const claims = transferClaims(results);
  const says = claims.map(({ claim }) => typeof claim === "string" ? claim : claim.says);
  assertEquals(
    says,
    ["mean over sets", "Digits", "Letters", "Fonts"].map((where) =>
      `BC-SSL transfers better with larger kernels, ${where}`
    ),
  );
  const effects = claims.map(({ finding }) => finding.effect.mean);
  assertClose(effects, [0.12 / 3, 0.1, 0.04, -0.02], 1e-9);
  assertEquals(claims.map(({ finding }) => finding.verdict), [
    ...["agrees", "agrees", "agrees", "disagrees"],
  ]);
  assertEquals(claims[0]!.runs.length, 9);
  assertEquals(verdicts(claims).rows.length, 4);
  assertThrows(() => transferClaims(results.slice(0, 1)), RangeError, "no family has two");
});

Deno.test("criticalDifferenceFigure() puts the best on top and says what Friedman's test finds", () => {
  const svg = toSvg(criticalDifferenceFigure(results));
  const places = ["BC-SSL, 7×7", "BC-SSL, 3×3", "BC-SSL, 5×5"].map((name) =>
    svg.indexOf(`>${name}<`)
  );
  assertEquals(places, places.toSorted((a, b) => a - b));
  // Three networks over three sets: 2.344 √(3 · 4 / (6 · 3)) = 1.91.
  assertTrue(svg.includes("3 sets; critical difference 1.91"), svg.slice(0, 900));
  assertThrows(
    () => criticalDifferenceFigure(results.slice(1)),
    RangeError,
    "three things or more",
  );
});

const curve: LabelCurve = {
  ...{ name: "BC-SSL, 3×3", title: "Digits", scale: "laptop", seeds: [0, 1], runs: ["a", "b"] },
  points: [
    { way: "probe", shots: 10, images: 100, values: [0.4, 0.5] },
    { way: "probe", shots: Infinity, images: 2000, values: [0.8, 0.8] },
    { way: "scratch", shots: 10, images: 100, values: [0.2, 0.2] },
  ],
};

Deno.test("labelTable() and labelFigure() show the scores of each way over the number of images", () => {
  const { columns, rows } = labelTable(curve);
  const of = (row: number, column: string) => rows[row]![columns.indexOf(column)];
  assertEquals([of(0, "labels"), of(0, "images a class")], ["pre-trained, linear probe", "10"]);
  assertEquals([of(1, "images a class"), of(1, "images"), of(1, "score (%)")], ["all", 2000, 80]);
  assertClose([of(0, "score (%)"), of(0, "score ± s.e.")] as number[], [45, 5], 1e-9);
  const svg = toSvg(labelFigure(curve));
  assertTrue(svg.includes("training images of Digits"), "an axis");
  assertTrue(
    svg.includes("from scratch, 100 images: 20.00 %"),
    "the way, the images and the score",
  );
  assertThrows(() => labelFigure({ ...curve, points: [] }), RangeError, "there is no point");
});
