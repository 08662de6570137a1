import type { BaselineScores } from "lib/experiments/mod.ts";
import { scoreFigure, scoreTable } from "lib/report/results/feature_scores.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const three = { rates: [0.1, 0.1, 0.3], runs: ["a", "b", "c"] };
const scores: BaselineScores = {
  method: "DINO",
  scale: "laptop",
  seeds: [0, 1, 2],
  k: 20,
  scores: [
    { of: "pixels", features: "raw pixels", knn: [0.66], linear: [0.7, 0.7, 0.71], ...three },
    {
      of: "init",
      features: "random weights",
      knn: [0.6, 0.62, 0.61],
      linear: [0.7, 0.7, 0.7],
      ...three,
    },
    {
      of: "teacher",
      features: "DINO",
      knn: [0.7, 0.74, 0.75],
      linear: [0.8, 0.81, 0.82],
      ...three,
    },
    {
      of: "supervised",
      features: "supervised",
      knn: [0.8, 0.8, 0.83],
      linear: [0.85, 0.86, 0.87],
      ...three,
    },
  ],
};

Deno.test("scoreTable() has means, errors, seeds, runs, and how far DINO is above each, by seed", () => {
  const rows = scoreTable(scores);
  assertEquals(rows.map((row) => row.features), scores.scores.map((score) => score.features));
  const [pixels, init, dino, told] = rows;
  assertClose([dino!["k-NN top-1 (%)"], dino!["linear top-1 (%)"]], [73, 81]);
  assertClose(dino!["linear ± s.e."], 1 / Math.sqrt(3));
  assertTrue(Number.isNaN(pixels!["k-NN ± s.e."]), "one value has no error");
  assertEquals([dino!.n, dino!.seeds, dino!.runs, dino!.scale], [
    3,
    "0, 1, 2",
    "a, b, c",
    "laptop",
  ]);
  const t = (d: number[]) => {
    const mean = (d[0]! + d[1]! + d[2]!) / 3;
    return mean / Math.sqrt(d.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 6);
  };
  assertClose(pixels!["DINO above it by (s.e.)"]!, t([4, 8, 9]));
  assertClose(init!["DINO above it by (s.e.), linear"]!, t([10, 11, 12]));
  assertClose(told!["DINO above it by (s.e.)"]!, t([-10, -6, -8]));
  assertEquals(dino!["DINO above it by (s.e.)"], undefined);
});

Deno.test("scoreTable() names its columns after the method that was run", () => {
  const byol = scores.scores.map((score) =>
    score.of === "teacher" ? { ...score, features: "BYOL" } : score
  );
  const [pixels] = scoreTable({ ...scores, method: "BYOL", scores: byol });
  assertTrue("BYOL above it by (s.e.)" in pixels!, Object.keys(pixels!).join());
  assertTrue(!Object.keys(pixels!).some((key) => key.includes("DINO")), "no other method's name");
  assertEquals(
    pixels!["BYOL above it by (s.e.)"],
    scoreTable(scores)[0]!["DINO above it by (s.e.)"],
  );
});

Deno.test("scoreFigure() has a panel for k-NN and one for the probe, a dot for each seed", () => {
  const svg = toSvg(scoreFigure(scores));
  assertEquals(svg.split("<circle").length - 1, 1 + 3 + 3 + 3 + 4 * 3);
  for (const text of ["k = 20", "linear probe", "supervised", "73.0 %", "81.0 %"]) {
    assertTrue(svg.includes(text), text);
  }
});
