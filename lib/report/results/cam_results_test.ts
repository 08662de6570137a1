import { type Arm, type ArmCams, armName, type CamScoreRow } from "lib/experiments/mod.ts";
import { rises } from "lib/stats/verdicts.ts";
import { armCamTable, camClaims } from "lib/report/results/cam_results.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

/**
 * The result of an arm whose Grad-CAM is hot on this share of the image, one value per seed; all
 * other scores are a half.
 */
function result(arm: Arm, ...hotArea: number[]): ArmCams {
  const of = (mean: number) => ({ n: 40, mean, standardError: 0.01 });
  const half = of(0.5);
  const others = { pointing: half, energy: half, iou: half, covered: half, objectArea: of(0.3) };
  const name = armName(arm);
  const rows = hotArea.flatMap((mean) =>
    (["Grad-CAM", "Eigen-CAM"] as const).map((method): CamScoreRow => ({
      name,
      method,
      layers: ["stages.1.2"],
      kernelSize: arm.kernelSize ?? null,
      threshold: 0.5,
      scores: { ...others, hotArea: method === "Grad-CAM" ? of(mean) : half },
    }))
  );
  return {
    ...arm,
    name,
    family: name.split(",")[0]!,
    knn: [],
    bestKnn: [],
    bestEpoch: [],
    linear: [],
    monitor: [],
    paper: {},
    data: "emoji",
    scale: "laptop",
    seeds: [0, 1, 2],
    runs: ["a", "b", "c"],
    rows,
  };
}

const bcssl = (kernelSize: number): Arm => ({ arch: "convnext", kernelSize, batchNorm: true });
const results = [
  result(bcssl(9), 0.3, 0.32, 0.34),
  result(bcssl(3), 0.2, 0.21, 0.19),
  result({ arch: "vit" }, 0.4, 0.4, 0.4),
];

Deno.test("armCamTable() has each method's scores over seeds, percent", () => {
  const { columns, rows } = armCamTable(results);
  assertEquals(rows.length, 6);
  const row = Object.fromEntries(columns.map((column, i) => [column, (rows[0] as unknown[])[i]]));
  assertEquals([row.network, row.method, row.images, row.n], ["BC-SSL, 9×9", "Grad-CAM", 40, 3]);
  assertClose(
    [row["image hot (%)"], row["image hot ± s.e."], row["object's area (%)"]] as number[],
    [32, 1.1547, 30],
    1e-4,
  );
});

Deno.test("camClaims() tests three scores of both methods over BC-SSL's kernel sizes", () => {
  const found = camClaims(results);
  assertEquals(found.length, 6);
  assertEquals(found[0]!.finding, rises([3, 9], [[0.2, 0.21, 0.19], [0.3, 0.32, 0.34]]));
  assertEquals([found[0]!.runs.length, found[0]!.seeds.length], [6, 3]);
  assertEquals(found[3]!.finding.verdict, "cannot tell"); // Eigen-CAM's stays a half
  assertThrows(() => camClaims(results.slice(1)), RangeError, "need two of BC-SSL, got 1");
});
