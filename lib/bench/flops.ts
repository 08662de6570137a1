/** The floating-point operations that the cases of the benchmark need. */
import { bcSslStart, trainingCost } from "lib/experiments/mod.ts";
import { configCost } from "lib/models/config_cost.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { Recipe } from "lib/ssl/methods.ts";
import type { AttentionCase, BenchCase, MapSize, StepCase } from "./cases.ts";

/**
 * Floating-point operations of one call that no other program could leave out; a multiply-add counts
 * as two. The result is undefined for picture operations.
 *
 * In single layers products with the padding's zeros are not counted, so that a share of the
 * machine's peak means the same for any kernel on any map. Steps and networks are counted as in
 * papers: with the padding, without norms and activations, and nothing that is computed twice to save
 * memory.
 */
export function flopsOf(subject: BenchCase): number | undefined {
  switch (subject.kind) {
    case "depthwise":
      return depthwiseFlops(subject);
    case "block":
      return 3 * (depthwiseFlops(subject) + mlpFlops(subject)); // forward, and twice that backward
    case "attention":
      return attentionFlops(subject);
    case "step":
      return stepFlops(dinoRecipe(subject));
    case "method":
      return stepFlops({ ...subject.recipe, batchSize: subject.batch });
    case "inference":
      return 2 * subject.batch * configCost(subject.model, subject.size).multiplyAdds;
    case "augment":
    case "corruption":
      return undefined;
  }
}

function dinoRecipe(
  { model, head, batch, globalSize, localSize, localCrops }: StepCase,
): DinoRecipe {
  const { recipe } = bcSslStart;
  const crops = { ...recipe.crops, globalSize, localSize, localCrops };
  return { ...recipe, model, head, crops, batchSize: batch, epochs: 1 };
}

function stepFlops(recipe: Recipe): number {
  const { exaFlops, steps } = trainingCost(recipe, recipe.batchSize);
  return 1e18 * exaFlops / steps;
}

function depthwiseFlops({ batch, side, channels, kernelSize }: MapSize): number {
  const half = kernelSize >> 1;
  let taps = 0; // products of one row of the map with one row of the kernel
  for (let i = 0; i < side; i++) taps += Math.min(i + half, side - 1) - Math.max(i - half, 0) + 1;
  return 2 * batch * channels * taps ** 2;
}

/** The two products of the forward pass, and the four that their gradients need. */
function attentionFlops({ batch, tokens, heads, headDim }: AttentionCase): number {
  return 2 * 6 * batch * heads * tokens ** 2 * headDim;
}

/** Floating-point operations of two linear layers, C to 4C and back. */
function mlpFlops({ batch, side, channels }: MapSize): number {
  return 2 * 2 * batch * side ** 2 * channels * 4 * channels;
}
