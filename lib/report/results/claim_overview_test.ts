import { type Arm, armName, type ArmResult, type StudyResults } from "lib/experiments/mod.ts";
import type { ArmCams, DetectorArmResult, RobustResult } from "lib/experiments/mod.ts";
import {
  claimOverview,
  overviewFigure,
  overviewTable,
  untestedClaims,
  verdictCounts,
} from "lib/report/results/claim_overview.ts";
import {
  claimGroups,
  groupNames,
  statements,
  untested,
} from "lib/report/results/claim_registry.ts";
import { armClaimTests } from "lib/report/results/claim_tests.ts";
import { firstStudyClaims } from "lib/report/results/first_study.ts";
import { verdicts } from "lib/report/results/verdict_table.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import saved from "lib/report/results/first_study.json" with { type: "json" };
import { root } from "lib/setup/install/project.ts";
import { codeCells, readNotebook, sourceOf } from "lib/setup/notebooks/notebook.ts";
import { studentQuantile } from "lib/stats/statistics.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const kernels = [3, 5, 7, 9, 15];
const convNeXt = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize });
const bcSsl = (kernelSize: number): Arm => ({ ...convNeXt(kernelSize), batchNorm: true });
const arms: readonly Arm[] = [
  ...[{ arch: "resnet" }, { arch: "vit" }, { arch: "swin" }] as const,
  ...kernels.map(convNeXt),
  ...kernels.map(bcSsl),
  ...[{ arch: "replknet" }, { arch: "slak" }] as const,
];
const run = { scale: "laptop", seeds: [0, 1, 2], runs: ["a", "b", "c"] } as const;

/** Values of three seeds whose noise differs from arm to arm. */
function seedsOf(mean: number, i: number): number[] {
  return [0, 1, 2].map((seed) => mean + ((i * 7 + seed * 5) % 11 - 5) / 1000);
}

function armResult(arm: Arm, i: number): ArmResult {
  const knn = seedsOf(0.5 + 0.01 * (arm.kernelSize ?? 0), i);
  return {
    ...{ ...arm, ...run, name: armName(arm), family: armName(arm).split(",")[0]! },
    ...{ knn, bestKnn: knn, bestEpoch: [20, 25, 28], linear: knn.map((value) => value + 0.1) },
    ...{ monitor: [{ epoch: 30, values: knn }], paper: {}, data: "emoji" },
  };
}

const results = arms.map(armResult);

function robustResult(result: ArmResult, i: number): RobustResult {
  const shifted = seedsOf(0.2 + i / 100, i);
  const set = { images: 900, classes: 50, largest: 0.04, all: 0.2, among: 0.2 };
  const score = { clean: set, sketch: set, rendition: set, adversarial: set, errors: {} };
  return {
    ...{ ...result, corruption: shifted, meanError: shifted, sketch: shifted },
    ...{
      rendition: shifted,
      adversarial: shifted,
      scores: [score, score, score],
      baseline: "ResNet",
    },
  };
}

function armCams(result: ArmResult, i: number): ArmCams {
  const rows = ([["Grad-CAM", 0.3], ["Eigen-CAM", 0.4]] as const).flatMap(([method, mean]) =>
    seedsOf(mean + i / 100, i).map((value) => {
      const score = { n: 9, mean: value, standardError: 0.01 };
      const scores = {
        ...{ pointing: score, energy: score, iou: score, covered: score },
        ...{ hotArea: score, objectArea: score },
      };
      return { name: result.name, method, threshold: 0.5, scores };
    })
  );
  return { ...result, rows } as unknown as ArmCams;
}

function detector(kernelSize: number, pretrained: boolean): DetectorArmResult {
  const ap = seedsOf(0.2 + kernelSize / 100 + (pretrained ? 0.1 : 0), kernelSize);
  return {
    ...{ kernelSize, pretrained, ...run, name: `${kernelSize}, ${pretrained}` },
    ...{ boxAp: ap, boxAp50: ap, boxAp75: ap, maskAp: ap, maskAp50: ap, maskAp75: ap },
  };
}

const study: StudyResults = {
  ...{ arms: results, scale: "laptop", pixels: 96 },
  detectors: [3, 9].flatMap((size) => [detector(size, true), detector(size, false)]),
  ...{ robust: results.map(robustResult), maps: results.map(armCams) },
};

/** Groups whose networks only the first study ran. */
const firstStudyOnly = groupNames.filter((group) => "firstStudyOnly" in claimGroups[group]);

Deno.test("the overview tests every claim of the registry, in its group and by its name", () => {
  const { rows } = claimOverview(study);
  assertEquals(
    rows.map(({ group, name }) => [group, name]),
    groupNames.flatMap((group) => claimGroups[group].claims.map((name) => [group, name])),
  );
  assertEquals(
    rows.filter(({ now }) => now === undefined),
    rows.filter(({ group }) => firstStudyOnly.includes(group)),
  );
  assertEquals(rows.filter(({ claim, name }) => claim !== statements[name]), []);
});

Deno.test("every claim is in a group, or named as one that nothing tests", () => {
  const grouped = new Set<string>(groupNames.flatMap((group) => claimGroups[group].claims));
  const names = Object.keys(untested);
  assertEquals(Object.keys(statements).filter((name) => !grouped.has(name)).sort(), names.sort());
  assertEquals(names.filter((name) => grouped.has(name) || name in armClaimTests), []);
  assertEquals(untestedClaims().rows.length, names.length);
});

Deno.test("every group is of a notebook that tests it", async () => {
  const calls = { detection: "detectorClaims", robustness: "robustClaims", maps: "camClaims" };
  for (const group of groupNames.filter((name) => !firstStudyOnly.includes(name))) {
    const path = `${root}/notebooks/${claimGroups[group].notebook}.ipynb`;
    const notebook = await readNotebook(path);
    const code = codeCells(notebook).map(({ index }) => sourceOf(notebook.cells[index]!)).join();
    const call = { monitor: "peakClaims", ...calls }[group as "maps"] ?? `claimGroups.${group}.`;
    assertTrue(code.includes(call), `${path} has no ${call}`);
  }
});

Deno.test("in the overview, a claim stands beside those of its group as in its notebook's table", () => {
  const { rows } = claimOverview(study);
  const table = verdicts(firstStudyClaims("robustness"));
  const column = (name: string) => table.rows.map((row) => row[table.columns.indexOf(name)]);
  const first = rows.filter(({ group }) => group === "robustness").map(({ first }) => first!);
  assertEquals(first.map(({ verdict }) => verdict), column("verdict"));
  assertEquals(first.map(({ afterHolm }) => afterHolm), column("after Holm"));
  assertEquals(first.map(({ holmPValue }) => holmPValue), column("p (Holm)"));
  // five of the eight have a p below 0.05; the smallest, 0.01119, times eight is above it
  assertEquals(first.filter(({ verdict }) => verdict !== "cannot tell").length, 5);
  assertEquals(first.filter(({ afterHolm }) => afterHolm !== "cannot tell").length, 0);
});

Deno.test("the first study's numbers belong together: interval, error, p and verdict of each claim", () => {
  assertEquals(Object.keys(saved.groups), groupNames.filter((group) => group !== "largeKernels"));
  for (const group of groupNames) {
    const claims = firstStudyClaims(group);
    const names = claimGroups[group].claims;
    const known = claims.map(({ name }) => name!);
    assertEquals(known, names.filter((name) => known.includes(name)));
    // AP50 and networks with larger kernels are tested since then
    const added = ["detection", "largeKernels"].includes(group) ? 4 : 0;
    assertEquals(names.length - known.length, added);
    for (const { finding: { effect, interval, pValue, verdict }, name, seeds } of claims) {
      const [low, high] = interval;
      // printed with two digits of the error, so within a twentieth of it
      const middle = (low + high) / 2;
      const error = (high - low) / 2 / studentQuantile(0.975, effect.n - 1);
      const tolerance = 0.05 * effect.standardError + 1e-4;
      assertTrue(Math.abs(error - effect.standardError) < tolerance, `${name}: error ${error}`);
      assertTrue(Math.abs(middle - effect.mean) < tolerance, `${name}: middle ${middle}`);
      const expected = low > 0 ? "agrees" : high < 0 ? "disagrees" : "cannot tell";
      assertEquals([verdict, pValue < 0.05], [expected, expected !== "cannot tell"], name);
      assertEquals(effect.n, seeds.length);
    }
  }
});

Deno.test("overviewTable() has both studies side by side, in points, under the headings of the groups", () => {
  const { columns, rows, notes } = overviewTable(claimOverview(study));
  const headings = rows.filter((row) => typeof row === "string");
  assertEquals(headings.length, groupNames.length);
  assertEquals(headings[0], "A plain ConvNeXt beside ResNet and Swin (01_vanilla_convnext)");
  const row = Object.fromEntries(columns.map((column, i) => [column, (rows[1] as unknown[])[i]]));
  assertEquals(row.claim, statements.convNeXtAboveResNet.says);
  assertClose([row["paper (points)"], row["32 px: effect (points)"]] as number[], [6.13, -8.99]);
  assertClose([row["32 px: p"], row["32 px: p (Holm)"]] as number[], [0.008276, 0.018876]); // 3 × 0.006292, not 2 × 0.008276
  assertEquals([row["32 px: verdict"], row["32 px: after Holm"]], ["disagrees", "disagrees"]);
  assertEquals([row["96 px: n"], row["96 px: verdict"]], [3, "agrees"]);
  assertTrue(notes!.join().includes(saved.commit.slice(0, 7)), "the commit of the first study");
});

Deno.test("the overview cannot tell at smoke scale, and leaves out what was not run", () => {
  const smoke = (result: ArmResult) => ({ ...result, scale: "smoke" as const });
  const robust = study.robust
    .filter(({ kernelSize, arch }) => arch !== "swin" && kernelSize !== 9)
    .map((result) => ({ ...result, scale: "smoke" as const }));
  const overview = claimOverview({ ...study, arms: results.map(smoke), robust, pixels: 32 });
  const [first] = overview.rows;
  assertEquals([first!.now!.verdict, first!.now!.afterHolm], ["cannot tell", "cannot tell"]);
  const missing = overview.rows
    .filter(({ group, now }) => now === undefined && !firstStudyOnly.includes(group))
    .map(({ name }) => name);
  assertEquals(missing, claimGroups.robustness.claims.slice(4));
  // two studies of the same size are told apart
  const { columns } = overviewTable(overview);
  assertEquals(new Set(columns).size, columns.length);
  assertTrue(columns.includes("now, 32 px: verdict"), columns.join());
  assertTrue(toSvg(overviewFigure(overview)).includes("now, 32 px"), "the key of the figure");
});

Deno.test("the overview cannot tell where a network is near chance, and says which", () => {
  const weak = study.robust.map((result): RobustResult =>
    result.name === "BC-SSL, 3×3"
      ? {
        ...result,
        scores: result.scores.map((score) => ({
          ...score,
          sketch: { ...score.sketch, all: 0.04 },
        })),
      }
      : result
  );
  const overview = claimOverview({ ...study, robust: weak });
  const sketch = overview.rows.find(({ name }) => name === "sketchRises")!;
  assertEquals([sketch.now!.nearChance, sketch.now!.verdict], [["BC-SSL, 3×3"], "cannot tell"]);
  const before = claimOverview(study).rows.find(({ name }) => name === "sketchRises")!;
  assertEquals(before.now!.verdict, "agrees");
  const { rows } = overviewTable(overview);
  const note = "(means nothing: near chance are BC-SSL, 3×3)";
  assertEquals(rows.filter((row) => String(row[0]).endsWith(note)).length, 1);
  assertEquals(toSvg(overviewFigure(overview)).split(">near chance<").length - 1, 1);
});

Deno.test("verdictCounts() counts verdicts of single tests and after Holm, for both studies", () => {
  const overview = claimOverview(study);
  const { rows } = verdictCounts(overview);
  const claims = overview.rows.filter(({ first }) => first !== undefined).length;
  // counted by hand in the notebooks' tables at the commit of the first study
  assertEquals(rows[0], ["32 px", "alone", 8, 15, claims - 23, claims]);
  assertEquals(rows.map((row) => (row as unknown[]).slice(0, 2)).slice(1), [
    ["32 px", "after Holm"],
    ["96 px", "alone"],
    ["96 px", "after Holm"],
  ]);
  for (const row of rows as number[][]) assertEquals(row[2]! + row[3]! + row[4]!, row[5]);
});
