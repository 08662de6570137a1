/** BYOL's recipe as data, and its schedules. */
import { cosineSchedule } from "lib/train/schedules.ts";
import { demandFor } from "lib/ssl/method/demand.ts";
import type { Moment, OptimizerValues } from "lib/ssl/method/method.ts";
import { type CommonRecipe, cosineValues } from "lib/ssl/method/recipe.ts";
import { microBatches } from "lib/ssl/views/views.ts";

/** BYOL's recipe. Names are the paper's; comments give the public code's where they differ. */
export interface ByolRecipe extends CommonRecipe {
  /** Name of the method. */
  readonly method: "byol";
  /** Sizes of the projector and the predictor; in the paper, 4096 and 256. */
  readonly head: ByolHeadConfig;
  /**
   * Momentum of the target at the start (`base_target_ema`); it rises to 1 along a cosine. In the
   * paper, 0.996 for 1,000 epochs.
   */
  readonly targetMomentum: number;
}

/** Sizes of the projector and the predictor. */
export interface ByolHeadConfig {
  /** Width of the hidden layer. */
  readonly hiddenDim: number;
  /** Length of projections and predictions. */
  readonly outDim: number;
  /**
   * Whether a BatchNorm follows each hidden layer. By default it does, as in the paper; without it
   * nothing in the heads keeps the images of a batch apart.
   */
  readonly batchNorm?: boolean;
}

/**
 * The learning rate and the weight decay at a step. As in the public code, the first step after the
 * warm-up has the peak learning rate.
 */
export function byolValues(recipe: ByolRecipe, now: Pick<Moment, "step" | "totalSteps">) {
  return cosineValues(recipe, now, "after") satisfies OptimizerValues;
}

/** The momentum of the target at a step: the fraction of its old value that an update keeps. */
export function targetMomentum(
  { targetMomentum: base }: ByolRecipe,
  { step, totalSteps }: Pick<Moment, "step" | "totalSteps">,
): number {
  return cosineSchedule(step, { base, final: 1, totalSteps });
}

const demand = demandFor("BYOL");

/**
 * @throws {RangeError} If BYOL cannot follow the recipe; the message names the value and what is
 *   allowed.
 */
export function checkByol({ head, targetMomentum, crops, batchSize, accumulate = 1 }: ByolRecipe) {
  for (const name of ["hiddenDim", "outDim"] as const) {
    const value = head[name];
    const valid = Number.isInteger(value) && value > 0;
    demand(valid, `recipe.head.${name}`, value, "a whole number of at least 1");
  }
  const momentum = targetMomentum >= 0 && targetMomentum <= 1;
  demand(momentum, "recipe.targetMomentum", targetMomentum, "a number from 0 to 1");
  const { localCrops } = crops;
  demand(localCrops === 0, "recipe.crops.localCrops", localCrops, "0: it compares two views");
  const smallest = Math.min(...microBatches(batchSize, accumulate).map(({ count }) => count));
  demand(smallest > 1, "micro-batches of", smallest, "2 images for BatchNorm: lower accumulate");
}
