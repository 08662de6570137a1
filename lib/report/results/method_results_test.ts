import { type Arm, armName, type MethodName, type MethodResult } from "lib/experiments/mod.ts";
import { methodTitle, printedOfMethod } from "lib/experiments/mod.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { methodClaims, methodFigure, methodTable } from "./method_results.ts";
import { verdicts } from "./verdict_table.ts";

const noise = [0, 0.002, -0.001];

/** A result whose mean k-NN is `knn` and whose probe is 0.1 above it. */
function result(method: MethodName, arm: Arm, knn: number, seeds = [0, 1, 2]): MethodResult {
  const values = seeds.map((seed) => knn + noise[seed]! * (arm.kernelSize ?? 1));
  const printed = printedOfMethod(method, arm);
  return {
    ...arm,
    ...{ method, title: methodTitle(method), name: armName(arm), data: "emoji", scale: "laptop" },
    ...{ knn: values, bestKnn: values.map((value) => value + 0.01), bestEpoch: seeds, monitor: [] },
    linear: values.map((value) => value + 0.1),
    rankMe: seeds.map((seed) => seed === 0 ? NaN : 30 + seed),
    alphaReQ: seeds.map(() => 1),
    ...(printed && { printed }),
    ...{ seeds, runs: seeds.map((seed) => `${method}-${armName(arm)}-${seed}`) },
  };
}

const arm = (kernelSize: number, batchNorm: boolean): Arm => ({
  arch: "convnext",
  kernelSize,
  batchNorm,
});
/** By DINO 9×9 gains 2 points with BatchNorm and 4 without, by BYOL it loses 1. */
const results = [
  result("dino", arm(3, true), 0.30),
  result("dino", arm(9, true), 0.32),
  result("dino", arm(3, false), 0.25),
  result("dino", arm(9, false), 0.29),
  result("byol", arm(9, true), 0.34),
  result("byol", arm(3, true), 0.35),
  result("simclr", { arch: "resnet" }, 0.4),
];

Deno.test("methodTable() has a row for each network and method, with the paper's where Table 3 has it", () => {
  const { columns, rows } = methodTable(results);
  const of = (row: number, column: string) =>
    (rows[row] as readonly unknown[])[columns.indexOf(column)];
  assertEquals([of(1, "method"), of(1, "network")], ["DINO", "BC-SSL, 9×9"]);
  assertEquals([of(1, "paper: network"), of(1, "paper: linear (%)")], ["BC-SSL-T", 77.8]);
  assertEquals([of(0, "paper: network"), of(0, "paper: k-NN (%)")], [undefined, undefined]);
  assertEquals([of(6, "paper: network"), of(6, "paper: k-NN (%)")], ["RN50w4", 69.3]);
  const numbers = ["k-NN (%)", "k-NN ± s.e.", "best k-NN on the way (%)", "linear (%)", "RankMe"];
  const mean = 40 + 100 * 0.001 / 3;
  const error = 100 * Math.sqrt((0 + 0.002 ** 2 + 0.001 ** 2 - 0.001 ** 2 / 3) / 2 / 3);
  assertClose(numbers.map((column) => of(6, column) as number), [
    mean,
    error,
    mean + 1,
    mean + 10,
    31.5, // the seed that was not measured is left out
  ]);
});

Deno.test("methodClaims() tests each method's gain over its pairs, and whether DINO's is larger", () => {
  const claims = methodClaims(results, { gain: "kernel", metric: "linear" });
  assertEquals(claims.map(({ claim }) => (claim as { says: string }).says), [
    "DINO: 9×9 is better than 3×3",
    "BYOL: 9×9 is better than 3×3",
    "9×9 gains more by DINO than by BYOL",
  ]);
  const shift = 6 * 0.001 / 3; // the noise of 9×9 is three times that of 3×3
  assertClose(claims.map(({ finding }) => finding.effect.mean), [
    0.03 + shift,
    -0.01 + shift,
    0.04,
  ]);
  assertEquals(claims.map(({ runs }) => runs.length), [12, 6, 18]);
  assertEquals(verdicts(claims).rows.length, 3);

  const [norm, ...others] = methodClaims(results, { gain: "batchNorm", metric: "knn" });
  assertEquals(others, []); // BYOL has no network without
  assertClose([norm!.finding.effect.mean], [(0.05 + 0.03) / 2]);
});

Deno.test("methodClaims() takes the seeds that all of its networks share", () => {
  const few = [
    ...results.slice(0, 4),
    ...[9, 3].map((k) => result("byol", arm(k, true), 0.3, [1])),
  ];
  const claims = methodClaims(few, { gain: "kernel", metric: "knn" });
  assertEquals(claims.map(({ seeds }) => seeds), [[0, 1, 2], [1], [1]]);
  assertEquals(claims[2]!.finding.verdict, "cannot tell");
});

Deno.test("methodFigure() draws a bar where there are three seeds, and hollow marks for fewer", () => {
  const few = [
    ...results.slice(0, 4),
    ...[9, 3].map((k) => result("byol", arm(k, true), 0.3, [1])),
  ];
  const titles = [...toSvg(methodFigure(few)).matchAll(/<title>(.+)$/gm)].map(([, text]) => text!);
  assertTrue(titles.includes("DINO, k-NN: 3.20 points, 3 seeds"), titles.join("; "));
  assertTrue(titles.includes("BYOL, linear: 1.20 points, 1 seed"), titles.join("; "));
});

Deno.test("methodClaims() and methodFigure() refuse results without a pair", () => {
  const alone = results.slice(5);
  const claims = () => methodClaims(alone, { gain: "kernel", metric: "knn" });
  assertThrows(claims, RangeError, "the gain of 9×9: no method trained both");
  assertThrows(() => methodFigure(alone), RangeError, "Cannot draw gains: no method");
});
