import { pretrainLength } from "lib/ssl/method/recipe.ts";
import { checkDeepCluster, deepClusterValues } from "lib/ssl/deepcluster/recipe.ts";
import { recipeAt, scaleNames } from "./config.ts";
import { deepClusterRuns } from "./deepcluster_runs.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("deepClusterRuns are all runs of the README, with its results and the crops of its scripts", () => {
  const facts = deepClusterRuns.map(({ config, linear, knn }) => {
    const { epochs, crops } = recipeAt(config, "paper");
    const { globalSize, globalScale, localCrops } = crops;
    return [config.name, epochs, linear, knn, globalSize, globalScale[0], localCrops];
  });
  assertEquals(facts.map(([name]) => name), [
    "deepcluster_v2_rn50_800ep",
    "deepcluster_v2_rn50_2x160_4x96_400ep",
    "deepcluster_v2_rn50_2x224_400ep",
  ]);
  const numbers = facts.map(([, ...rest]) => rest.map((value) => Number(value ?? 0)));
  assertClose(numbers.flat(), [
    ...[800, 0.752, 0.671, 224, 0.14, 6],
    ...[400, 0.743, 0, 160, 0.08, 4],
    ...[400, 0.702, 0, 224, 0.08, 0],
  ], 1e-6);
});

for (const { config } of deepClusterRuns) {
  Deno.test(`${config.name} has the sizes and schedules of its script`, () => {
    const recipe = recipeAt(config, "paper");
    const { stepsPerEpoch, totalSteps } = pretrainLength(recipe, 1_281_167);
    assertEquals([recipe.batchSize, stepsPerEpoch], [4096, 312]);
    assertEquals(recipe.head, { hiddenDim: 2048, outDim: 128, prototypes: [3000, 3000, 3000] });
    const lr = (step: number) => deepClusterValues(recipe, { step, totalSteps }).lr;
    assertClose([0, 3119, 3120].map(lr), [0.3, 4.8, 4.8], 1e-9);
    assertTrue(Math.abs(lr(totalSteps - 1) - 0.0048) < 1e-6, `${lr(totalSteps - 1)}`);
  });
}

Deno.test("deepClusterRuns can be followed at each scale", () => {
  for (const { config } of deepClusterRuns) {
    for (const scale of scaleNames) {
      const { trainCount } = config.scales[scale];
      const recipe = recipeAt(config, scale);
      checkDeepCluster(recipe, trainCount);
      pretrainLength(recipe, trainCount);
    }
  }
});
