import { pretrainLength } from "lib/ssl/method/recipe.ts";
import { checkMoby, keyMomentum, mobyValues } from "lib/ssl/moby/recipe.ts";
import { recipeAt, scaleNames } from "./config.ts";
import { mobyRuns } from "./moby_runs.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";

Deno.test("mobyRuns have the sizes and schedules of the public code, and the row of Table 3", () => {
  const [{ config, linear, knn }] = mobyRuns as [typeof mobyRuns[0]];
  assertEquals([config.name, knn], ["moby_swin_t_300ep", null]);
  assertClose(linear!, 0.751);
  const recipe = recipeAt(config, "paper");
  const { stepsPerEpoch, totalSteps } = pretrainLength(recipe, config.scales.paper.trainCount);
  const lr = (step: number) => mobyValues(recipe, { step, totalSteps }).lr;
  const warmup = 5 * stepsPerEpoch;
  // The cosine has begun with the run, so the peak is not quite 1e-3; the schedule is a step late.
  const peak = 5e-6 + (1e-3 - 5e-6) * (1 + Math.cos(Math.PI * 5 / 300)) / 2;
  const expected = [5e-7, 5e-7, 1e-3 - (1e-3 - 5e-7) / warmup, peak];
  assertClose(
    [0, 1, warmup, warmup + 1].map((step) => 1e3 * lr(step)),
    expected.map((x) => 1e3 * x),
  );
  assertClose(keyMomentum(recipe, { step: totalSteps / 2, totalSteps }), 0.995);
});

Deno.test("mobyRuns can be followed at each scale", () => {
  for (const { config } of mobyRuns) {
    for (const scale of scaleNames) {
      const recipe = recipeAt(config, scale);
      checkMoby(recipe);
      pretrainLength(recipe, config.scales[scale].trainCount);
    }
  }
});
