import type { TrainResult } from "lib/experiments/mod.ts";
import { compareRow, type Measurement, verdict } from "lib/report/results/compare.ts";
import { baselineFigure, versusBaselines } from "lib/report/results/baselines.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** Mean 0.72, standard error 0.00577; the 95 % interval is 0.72 ± 0.0248. */
const base: Measurement = {
  what: "7×7",
  paper: 0.72,
  source: "Table 3",
  ours: [0.71, 0.72, 0.73],
  scale: "paper",
  seeds: [0, 1, 2],
  runs: ["a", "b", "c"],
};

for (
  const [change, expected] of [
    [{ paper: 0.744 }, "agrees"],
    [{ paper: 0.746 }, "disagrees"],
    [{ paper: 0.694 }, "disagrees"],
    [{ scale: "smoke" }, "cannot tell"],
    [{ scale: "laptop", paper: 0.2 }, "cannot tell"], // other data
    [{ ours: [0.71, 0.73], paper: 0.2 }, "cannot tell"],
    [{ ours: [0.69, 0.72, 0.75] }, "cannot tell"], // ± 7.5 points
    // so far off that width does not matter
    [{ ours: [0.69, 0.72, 0.75], paper: 0.2 }, "disagrees"],
    [{ paper: undefined }, undefined],
  ] as const
) {
  Deno.test(`verdict() of ${JSON.stringify(change)} is "${expected}"`, () => {
    assertEquals(verdict({ ...base, ...change }), expected);
  });
}

Deno.test("compareRow() is in percent, with n, scale, seeds and runs", () => {
  const row = compareRow(base) as Record<string, number | string>;
  assertClose(
    [row["paper (%)"], row["ours (%)"], row["± s.e."]] as number[],
    [72, 72, 0.57735],
    1e-5,
  );
  assertEquals([row.n, row.scale, row.seeds, row.runs], [3, "paper", "0, 1, 2", "a, b, c"]);
});

Deno.test("compareRow() refuses percent and a seed without a value", () => {
  assertThrows(() => compareRow({ ...base, paper: 72 }), RangeError, "need fractions");
  assertThrows(() => compareRow({ ...base, seeds: [0] }), RangeError, "got 3 for 1");
});

const knn = (top1: number) => [{ k: 20, top1, top5: 1 }];
const runs = [0.7, 0.74, 0.75].map((value, seed): TrainResult => ({
  run: `run-${seed}`,
  scale: "laptop",
  seed,
  step: 9,
  totalSteps: 9,
  finished: true,
  history: [
    { step: 1, metrics: { knn20Top1: 0.1 } },
    { step: 8, metrics: { knn20Top1: value } },
    { step: 9, metrics: { loss: 1 } },
  ],
}));
const floors = { chance: 0.1, pixels: knn(0.67), randomInit: [0.6, 0.63, 0.62].map(knn) };

Deno.test("versusBaselines() takes each run's last k-NN and pairs random weights by seed", () => {
  const rows = versusBaselines(runs, floors, { k: 20 });
  assertEquals(rows.map((r) => r.n), [3, 1, 3, 1]);
  assertClose(rows[0]!["each seed (%)"], [70, 74, 75]);
  const above = rows.slice(1).map((r) => r["teacher above it by (s.e.)"]!);
  const t = (d: number[]) => {
    const mean = (d[0]! + d[1]! + d[2]!) / 3;
    return mean / Math.sqrt(d.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 6);
  };
  assertClose(above, [t([3, 7, 8]), t([10, 11, 13]), t([60, 64, 65])]);
  assertThrows(() => versusBaselines(runs, floors, { k: 10 }), RangeError, "no k-NN with k = 10");
});

Deno.test("baselineFigure() has a dot for each seed and a name for each row", () => {
  const svg = toSvg(baselineFigure(versusBaselines(runs, floors, { k: 20 })));
  assertEquals(svg.split("<circle").length - 1, 3 + 1 + 3 + 1);
  for (const name of ["trained teacher", "raw pixels", "random weights", "chance", "73.0 %"]) {
    assertTrue(svg.includes(name), name);
  }
});
