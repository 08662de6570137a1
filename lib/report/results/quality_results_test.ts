import type { QualityScore } from "lib/experiments/mod.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { qualityFigure, qualityTable } from "lib/report/results/quality_results.ts";
import { spearman } from "lib/stats/rank_correlation.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** RankMe and accuracy rise together, LiDAR falls, α moves away from 1 on both sides. */
function score(name: string, seed: number, i: number): QualityScore {
  return {
    ...{ name, seed, run: `${name}-${seed}`, of: "teacher", version: "step 9", scale: "smoke" },
    ...{ featureDim: 16, images: 256, lidarImages: 20, lidarViews: 4 },
    ...{
      rankMe: 5 + i,
      alphaReQ: 1 + (i % 2 ? 1 : -1) * i / 10,
      lidar: 9 - i,
      linear: 0.3 + i / 50,
    },
  };
}

const scores = [
  score("DINO", 0, 0),
  score("DINO", 1, 1),
  score("BYOL", 0, 2),
  score("BYOL", 1, 3),
];
const texts = (svg: string) => svg.replace(/<[^>]+>/g, "\n");

Deno.test("qualityTable() has the means of each name with their errors, and says on what", () => {
  const { columns, rows, notes } = qualityTable(scores);
  const of = (row: number, column: string) =>
    (rows[row] as readonly unknown[])[columns.indexOf(column)];
  assertEquals([of(0, "name"), of(1, "name"), of(1, "runs")], ["DINO", "BYOL", "BYOL-0, BYOL-1"]);
  assertClose(
    ["RankMe", "RankMe ± s.e.", "LiDAR", "α-ReQ", "linear top-1 (%)", "linear ± s.e."]
      .map((column) => of(1, column) as number),
    [7.5, 0.5, 6.5, 1.05, 35, 1],
  );
  assertTrue(notes![0]!.includes("256 training images"), notes![0]!);
  assertTrue(notes![0]!.includes("4 views of each of 20 images"), notes![0]!);
});

Deno.test("qualityTable() leaves a collapsed run out of the mean of α-ReQ, and shows NaN of none", () => {
  const collapsed = { ...scores[1]!, alphaReQ: NaN };
  const cell = (runs: readonly QualityScore[]) => {
    const { columns, rows } = qualityTable(runs);
    return (rows[0] as readonly unknown[])[columns.indexOf("α-ReQ")];
  };
  assertEquals(cell([scores[0]!, collapsed]), scores[0]!.alphaReQ);
  assertEquals(cell([collapsed]), NaN);
});

Deno.test("qualityFigure() says Spearman's ρ of each measure, of α by its distance from 1", () => {
  const words = texts(toSvg(qualityFigure(scores)));
  const { interval: [low], pValue } = spearman([1, 2, 3, 4], [1, 2, 3, 4]);
  const ends = `−${Math.abs(low).toFixed(2)} to +1.00`;
  assertTrue(words.includes(`ρ = +1.00, 95 %: ${ends}`), "RankMe and α");
  assertTrue(words.includes("ρ = −1.00, 95 %: −1.00 to"), "LiDAR");
  assertEquals(words.split("ρ = +1.00").length - 1, 2);
  assertTrue(words.includes(`p = ${pValue.toPrecision(2)}, 4 runs`), "exact");
  assertEquals(["DINO", "BYOL"].map((name) => words.includes(`\n${name}\n`)), [true, true]);
});

Deno.test("qualityFigure() leaves a run without an α out of its panel, and the panel if there is no other", () => {
  const without = (...which: readonly number[]) =>
    texts(toSvg(qualityFigure(
      scores.map((score, i) => which.includes(i) ? { ...score, alphaReQ: NaN } : score),
    )));
  assertTrue(without(3).includes("3 runs"), "of four");
  assertEquals([without(3), without(1, 2, 3)].map((words) => words.includes("α-ReQ")), [
    true,
    false,
  ]);
  assertTrue(!without(1, 2, 3).includes("NaN"), "drawn");
});

Deno.test("qualityTable() refuses no run, qualityFigure() a single one", () => {
  assertThrows(() => qualityTable([]), RangeError, "there is no run");
  assertThrows(() => qualityFigure(scores.slice(1, 2)), RangeError, "current number is 1");
});
