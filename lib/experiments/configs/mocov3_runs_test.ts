import { pretrainLength } from "lib/ssl/method/recipe.ts";
import { checkMocoV3, encoderMomentum, mocoV3Values } from "lib/ssl/mocov3/recipe.ts";
import { recipeAt, scaleNames } from "./config.ts";
import { mocoV3Runs } from "./mocov3_runs.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";

Deno.test("mocoV3Runs have the sizes and schedules of the public code, and the rows of Table 3", () => {
  const facts = mocoV3Runs.map(({ config, linear }) => {
    const recipe = recipeAt(config, "paper");
    const { stepsPerEpoch, totalSteps } = pretrainLength(recipe, config.scales.paper.trainCount);
    const peak = Math.round(recipe.warmupShare * totalSteps);
    const at = mocoV3Values(recipe, { step: peak, totalSteps });
    const momentum = encoderMomentum(recipe, { step: 0, totalSteps });
    return { name: config.name, linear, peak: peak / stepsPerEpoch, momentum, ...at };
  });
  const percent = facts.map(({ name, linear }) => [name, linear && (100 * linear).toFixed(1)]);
  assertEquals(percent, [
    ["mocov3_vit_b_300ep", "76.7"],
    ["mocov3_vit_h_bn_300ep", "79.1"],
    ["mocov3_resnet50_300ep", null],
  ]);
  assertClose(facts.map(({ peak }) => peak), [40, 40, 10]); // epochs
  assertClose(facts.map(({ lr }) => lr), [2.4e-3, 2.4e-3, 4.8]);
  assertClose(facts.map(({ weightDecay }) => weightDecay).slice(0, 2), [0.1, 0.1]);
  assertClose([facts[2]!.weightDecay * 1e6], [1]);
  assertClose(facts.map(({ momentum }) => momentum), [0.99, 0.99, 0.99]);
});

Deno.test("mocoV3Runs can be followed at each scale", () => {
  for (const { config } of mocoV3Runs) {
    for (const scale of scaleNames) {
      const recipe = recipeAt(config, scale);
      checkMocoV3(recipe);
      pretrainLength(recipe, config.scales[scale].trainCount);
    }
  }
});
