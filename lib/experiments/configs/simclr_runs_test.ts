import { pretrainLength } from "lib/ssl/method/recipe.ts";
import { checkSimclr, simclrValues } from "lib/ssl/simclr/recipe.ts";
import { recipeAt, scaleNames } from "./config.ts";
import { trainingCost } from "lib/experiments/measure/training_cost.ts";
import { byolStart, simclrStart } from "./method_runs.ts";
import { simclrRuns } from "./simclr_runs.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("simclrRuns have the sizes and schedules of the two papers, and the rows of Table 3", () => {
  const facts = simclrRuns.map(({ config, linear, knn }) => {
    const recipe = recipeAt(config, "paper");
    const { stepsPerEpoch, totalSteps } = pretrainLength(recipe, config.scales.paper.trainCount);
    const peak = Math.round(recipe.warmupShare * totalSteps);
    const at = simclrValues(recipe, { step: peak, totalSteps });
    return { name: config.name, linear, knn, peak: peak / stepsPerEpoch, ...at };
  });
  assertEquals(facts.map(({ name }) => name), [
    "simclr_rn50w4_1000ep",
    "simclr_v2_rn152w2_sk_800ep",
  ]);
  assertEquals(facts.map(({ linear, knn }) => [linear, knn]), [[0.768, 0.693], [0.794, null]]);
  assertClose(facts.map(({ peak }) => peak), [10, 40]); // epochs
  assertClose(facts.map(({ lr }) => lr), [4.8, 6.4]);
  const decays = facts.map(({ weightDecay }) => weightDecay);
  assertTrue(Math.abs(decays[0]! - 1e-6) < 1e-9 && Math.abs(decays[1]! - 1e-4) < 1e-9, `${decays}`);
});

Deno.test("simclrRuns can be followed at each scale", () => {
  for (const { config } of simclrRuns) {
    for (const scale of scaleNames) {
      const recipe = recipeAt(config, scale);
      checkSimclr(recipe);
      pretrainLength(recipe, config.scales[scale].trainCount);
    }
  }
});

Deno.test("trainingCost() counts no second network for SimCLR", () => {
  const [simclr, byol] = [
    trainingCost(recipeAt(simclrStart, "smoke"), 256),
    trainingCost(recipeAt(byolStart, "smoke"), 256),
  ];
  const share = simclr.exaFlops / byol.exaFlops; // 3 passes over each view, and 4 in BYOL
  assertTrue(share > 0.65 && share < 0.8, `${share}`);
});
