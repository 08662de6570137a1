import { constantRng } from "lib/rng.ts";
import { createModel, totalCost } from "lib/models/mod.ts";
import { recipeAt } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { esvitStart, iGptStart } from "lib/experiments/configs/method_runs.ts";
import { trainingCost } from "./training_cost.ts";
import { assertClose } from "lib/testing/assert.ts";

Deno.test("trainingCost() counts EsViT's second head once for each token", () => {
  const model = esvitStart.recipe.model;
  const both = trainingCost(recipeAt(esvitStart, "smoke"), 256);
  const view = trainingCost(
    recipeAt({ ...bcSslStart, recipe: { ...bcSslStart.recipe, model } }, "smoke"),
    256,
  );
  const head = 256 * (96 + 256 + 64) + 64 * 512; // multiply–adds for one token
  const views = 4 * 3 + 2; // four views forward and backward, two through the teacher
  const expected = 2 * 512 * views * 4 * head / 1e18; // four tokens in each view
  assertClose(1e9 * (both.exaFlops - view.exaFlops), 1e9 * expected, 1e-6);
});

Deno.test("trainingCost() counts one view of each image for iGPT, three passes over it", () => {
  const recipe = recipeAt(iGptStart, "smoke");
  using model = createModel(recipe.model, constantRng());
  const { multiplyAdds } = totalCost(model, 32);
  const { exaFlops } = trainingCost(recipe, 128);
  assertClose(1e9 * exaFlops, 1e9 * 2 * 128 * 3 * multiplyAdds / 1e18, 1e-6);
});
