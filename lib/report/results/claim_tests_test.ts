import { type Arm, armName, type ArmResult } from "lib/experiments/mod.ts";
import { exceeds, rises } from "lib/stats/verdicts.ts";
import { claims } from "lib/paper/mod.ts";
import {
  armFigure,
  armTable,
  batchNormGains,
  lastAndBest,
  monitorCurves,
} from "lib/report/results/ablation.ts";
import { type ArmClaim, testClaims } from "lib/report/results/claim_tests.ts";
import { peakClaims } from "lib/report/results/peak_claims.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/**
 * The result of an arm with these three accuracies; the linear probe is 10 points above the k-NN.
 */
function result(arm: Arm, ...knn: number[]): ArmResult {
  return {
    ...arm,
    name: armName(arm),
    family: armName(arm).split(",")[0]!,
    knn,
    bestKnn: knn.map((value) => value + 0.01),
    bestEpoch: [3, 4, 5],
    linear: knn.map((value) => value + 0.1),
    monitor: [{ epoch: 5, values: knn }],
    paper: { knn: 0.7 },
    data: "emoji",
    scale: "laptop",
    seeds: [0, 1, 2],
    runs: ["a", "b", "c"],
  };
}

const convnext = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize });
const bcssl = (kernelSize: number): Arm => ({ ...convnext(kernelSize), batchNorm: true });
const results = [
  result({ arch: "resnet" }, 0.3, 0.31, 0.32),
  result(convnext(3), 0.41, 0.4, 0.42),
  result(convnext(9), 0.46, 0.47, 0.45),
  result(bcssl(3), 0.5, 0.52, 0.51),
  result(bcssl(5), 0.53, 0.52, 0.54),
  result(bcssl(9), 0.55, 0.57, 0.58),
];

Deno.test("testClaims() pairs differences by seed, and takes trends over the kernel sizes that were run", () => {
  const names = ["convNeXtAboveResNet", "batchNormHelpsKnn", "rises3To9"] as const;
  const [above, helps, rising] = testClaims(names, results);
  assertEquals([above!.claim, above!.scale, above!.seeds], [
    claims.convNeXtAboveResNet,
    "laptop",
    [0, 1, 2],
  ]);
  const { effect, pValue } = exceeds([0.51, 0.5, 0.52], [0.4, 0.41, 0.42]);
  assertClose(above!.finding.effect.mean, effect.mean);
  assertClose(above!.finding.pValue, pValue);
  // 3×3 and 9×9 were run both ways
  const means = [[0.525, 0.545, 0.545], [0.435, 0.435, 0.435]] as const;
  assertClose(helps!.finding.effect.mean, exceeds(...means).effect.mean);
  assertClose(helps!.finding.pValue, exceeds(...means).pValue, 1e-6);
  assertEquals(helps!.runs.length, 4 * 3);
  const line = rises([3, 5, 9], [3, 4, 5].map((i) => results[i]!.linear));
  assertEquals([rising!.finding, rising!.runs.length], [line, 9]);
});

Deno.test("testClaims() names the arms that a claim needs, and the claims there are", () => {
  assertThrows(
    () => testClaims(["bcSslAboveSwinKnn"], results),
    RangeError,
    "need results of BC-SSL, 9×9; Swin",
  );
  assertThrows(() => testClaims(["rises3To9"], results.slice(0, 4)), RangeError, "BC-SSL, 7×7");
  const unknown = "cocoBoxRises" as ArmClaim;
  assertThrows(() => testClaims([unknown], results), RangeError, 'Cannot test "cocoBoxRises"');
});

Deno.test("testClaims() takes the seeds that a claim's arms share, and of an arm run twice the longer result", () => {
  const swin = result({ arch: "swin" }, 0.5, 0.51, 0.52);
  const nine: ArmResult = {
    ...result(bcssl(9), 0.7, 0.6, 0.58, 0.57, 0.55),
    seeds: [4, 3, 2, 1, 0],
    runs: ["e", "d", "c", "b", "a"],
  };
  const [shared] = testClaims(["bcSslAboveSwinKnn"], [swin, nine]);
  // seeds 0, 1, 2 of the nine are its last, in reverse
  assertEquals(shared!.finding, exceeds([0.55, 0.57, 0.58], [0.5, 0.51, 0.52]));
  assertEquals([shared!.seeds, shared!.runs], [[0, 1, 2], ["a", "b", "c", "a", "b", "c"]]);
  const three: ArmResult = { ...nine, ...bcssl(3), name: armName(bcssl(3)) };
  const [rising] = testClaims(
    ["rises3To9Knn"],
    [...results, nine, three].filter(({ name }) => name !== armName(bcssl(5))),
  );
  assertEquals(rising!.seeds, [0, 1, 2, 3, 4]);
  assertEquals(rising!.finding.effect.mean, 0);
  const apart = { ...swin, seeds: [7, 8, 9] };
  assertThrows(
    () => testClaims(["bcSslAboveSwinKnn"], [apart, nine]),
    RangeError,
    "got [4,3,2,1,0], [7,8,9]",
  );
});

Deno.test("peakClaims() tests the share of the epochs after the best k-NN, network by network", () => {
  const bcSsl: ArmResult = {
    ...result(bcssl(9), 0.5, 0.5, 0.5),
    bestEpoch: [24, 27, 30],
    monitor: [{ epoch: 15, values: [] }, { epoch: 30, values: [] }],
  };
  const vit = { ...bcSsl, ...result({ arch: "vit" }, 0.5, 0.5, 0.5), bestEpoch: [5, 5, 5] };
  const found = peakClaims([vit, bcSsl]);
  assertEquals(found.map(({ name }) => name), ["peakOfBcSsl", "peakOfViT"]);
  assertEquals(found[0]!.claim, claims.peakOfBcSsl);
  assertClose(found[0]!.finding.effect.mean, 0.1); // 6, 3 and 0 of 30 epochs
  assertEquals(found[0]!.finding.verdict, "cannot tell");
  assertEquals(found[1]!.finding.effect.mean, 0); // its monitor has one point, at epoch 5
  assertThrows(() => peakClaims(results.slice(0, 2)), RangeError, "BC-SSL, 9×9; Swin; ViT");
});

Deno.test("armTable() has published numbers beside ours on photographs that have one", () => {
  const notesOn = (data: ArmResult["data"]) =>
    armTable(results.map((result) => ({ ...result, data }))).notes!;
  assertEquals(notesOn("emoji").length, 1);
  assertEquals(notesOn("cifar10").length, 2);
  assertTrue(notesOn("cifar10")[1]!.includes("SimCLR"), "CIFAR-10");
  assertTrue(notesOn("imagenette")[1]!.includes("92.3 %"), "Imagenette");
});

Deno.test("armTable() has the paper's number beside ours, percent, with error, seeds and runs", () => {
  const { columns, rows } = armTable(results);
  const row = Object.fromEntries(columns.map((column, i) => [column, (rows[3] as unknown[])[i]]));
  assertEquals([row.network, row["k-NN: paper (%)"], row["linear: paper (%)"]], [
    ...["BC-SSL, 3×3", 70, undefined],
  ]);
  assertClose(
    [row["k-NN: ours (%)"], row["k-NN ± s.e."], row["k-NN: our best on the way (%)"]] as number[],
    [51, 0.57735, 52],
    1e-5,
  );
  assertEquals([row.n, row.seeds, row.runs], [3, "0, 1, 2", "a, b, c"]);
});

Deno.test("batchNormGains() pairs seeds of each kernel size that was run both ways", () => {
  const printed = { ...results[3]!, paper: { knn: 0.708 } };
  const { columns, rows } = batchNormGains([...results.slice(0, 3), printed, results[5]!]);
  const [of3, of9] = rows.map((row) =>
    Object.fromEntries(columns.map((column, i) => [column, (row as unknown[])[i]]))
  );
  assertEquals([of3!["kernel size"], of9!["kernel size"], of3!.n], ["3×3", "9×9", 3]);
  const numbers = (row: typeof of3) =>
    [row!["k-NN: ours (points)"], row!["k-NN ± s.e."], row!["k-NN: paper (points)"]] as number[];
  assertClose(numbers(of3), [10, 1, 0.8], 1e-5); // 9, 12 and 9 points
  assertThrows(() => batchNormGains(results.slice(0, 3)), RangeError, "no kernel size");
});

Deno.test("lastAndBest() has both apart, with the epochs of the best", () => {
  const { columns, rows } = lastAndBest(results.slice(3, 4));
  const row = Object.fromEntries(columns.map((column, i) => [column, (rows[0] as unknown[])[i]]));
  const numbers = ["last k-NN (%)", "± s.e.", "best k-NN (%)", "best ± s.e."].map((key) =>
    row[key]
  );
  assertClose(numbers as number[], [51, 0.57735, 52, 0.57735], 1e-5);
  assertEquals([row["best at epoch, each seed"], row["of epochs"], row.n], [[3, 4, 5], 5, 3]);
});

Deno.test("armFigure() draws a line a family and monitorCurves() names each arm", () => {
  const svg = toSvg(armFigure(results, "linear"));
  for (const text of ["ConvNeXt<", "BC-SSL<", "ResNet<", "linear top-1 (%)"]) {
    assertTrue(svg.includes(text), text);
  }
  const [{ monitor: points, seeds, runs }] = results as [ArmResult];
  assertTrue(
    svg.includes("BC-SSL, 9×9: 66.67 ± 0.88 %, 3 seeds\nseed 0: "),
    "a tip with its seeds",
  );
  assertTrue(svg.includes(`, ${runs[0]}\n`), "and runs");
  assertEquals(monitorCurves(results)[0], { arch: "ResNet", points, seeds, runs });
});
