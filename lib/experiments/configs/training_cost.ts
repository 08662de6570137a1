/** What a pre-training costs in arithmetic, counted before a step of it is taken. */
import { constantRng } from "lib/rng.ts";
import { createModel, totalCost } from "lib/models/mod.ts";
import { type DinoRecipe, runLength } from "lib/ssl/dino/recipe.ts";

/** Of all steps of a run. */
export interface TrainingCost {
  readonly steps: number;
  /** Images seen, each epoch's anew. */
  readonly images: number;
  /** Floating-point operations, 10^18: two for each multiply–add. */
  readonly exaFlops: number;
}

/**
 * Counts the multiply–adds of backbone and head: forward and twice as much back for the student's views, forward for the teacher's.
 *
 * Norms, activations, augmentation, optimiser and k-NN count nothing, as in the papers' FLOPs.
 *
 * @param imageCount Of the data set.
 * @throws {RangeError} As `runLength`, or if a crop is too small for the network.
 */
export function trainingCost(recipe: DinoRecipe, imageCount: number): TrainingCost {
  const { batchSize, crops, head } = recipe;
  const { totalSteps: steps } = runLength(recipe, imageCount);
  using model = createModel(recipe.model, constantRng());
  const [global, local] = [crops.globalSize, crops.localSize].map((size) =>
    totalCost(model, size).multiplyAdds + headCost(model.featureDim, head)
  ) as [number, number];
  const student = 2 * global + crops.localCrops * local;
  const images = steps * batchSize;
  return { steps, images, exaFlops: 2 * images * (3 * student + 2 * global) / 1e18 };
}

/** Multiply–adds of a view's way through the head. */
function headCost(
  featureDim: number,
  { hiddenDim, bottleneckDim, outDim }: DinoRecipe["head"],
): number {
  return hiddenDim * (featureDim + hiddenDim + bottleneckDim) + bottleneckDim * outDim;
}
