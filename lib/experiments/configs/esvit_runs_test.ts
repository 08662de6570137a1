import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { EsvitRecipe } from "lib/ssl/esvit/recipe.ts";
import { cosineValues, pretrainLength } from "lib/ssl/method/recipe.ts";
import { recipeAt, runId, scaleNames } from "./config.ts";
import { esvitRuns } from "./esvit_runs.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("esvitRuns have the sizes of the official arguments, and EsViT's results", () => {
  const names = esvitRuns.map(({ config }) => config.name);
  assertEquals(new Set(names).size, 10);
  const ids = esvitRuns.map(({ config }) => runId({ config, scale: "paper", seed: 0 }));
  assertEquals(new Set(ids).size, 10);
  for (const { config, linear, knn } of esvitRuns) {
    const recipe = recipeAt<DinoRecipe | EsvitRecipe>(config, "paper");
    const isResNet = config.name.includes("resnet50");
    assertEquals(recipe.batchSize, isResNet ? 1024 : 512);
    assertEquals(recipe.head.normLastLayer, config.name.includes("swin_b_w14"));
    assertEquals(recipe.method, config.name.includes("_both_") ? "esvit" : undefined);
    const length = pretrainLength(recipe, config.scales.paper.trainCount);
    const peak = Math.round(recipe.warmupShare * length.totalSteps);
    assertClose(peak / length.stepsPerEpoch, 10); // epochs
    assertClose(cosineValues(recipe, { ...length, step: peak }).lr, isResNet ? 2e-3 : 1e-3);
    assertTrue(linear! > knn! && knn! > 0.69 && linear! < 0.814, config.name);
  }
  const best = esvitRuns.find(({ config }) => config.name === "esvit_swin_b_w14_both_300ep")!;
  assertClose([best.linear!, best.knn!], [0.813, 0.793], 1e-9);
});

Deno.test("esvitRuns can be followed at each scale", () => {
  for (const { config } of esvitRuns) {
    for (const scale of scaleNames) {
      pretrainLength(
        recipeAt<DinoRecipe | EsvitRecipe>(config, scale),
        config.scales[scale].trainCount,
      );
    }
  }
});
