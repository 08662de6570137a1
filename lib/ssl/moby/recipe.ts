/** MoBY's recipe as data, and its schedules. */
import { cosineSchedule } from "lib/train/schedules.ts";
import { demandFor } from "lib/ssl/method/demand.ts";
import type { Moment, OptimizerValues } from "lib/ssl/method/method.ts";
import { type CommonRecipe, warmupSteps } from "lib/ssl/method/recipe.ts";
import { microBatches } from "lib/ssl/views/views.ts";

/**
 * MoBY's recipe. Comments give the names of the public code's settings. `lr` there is for batches of
 * 512, here for 256.
 *
 * Differs: the public code scales `minLr` and `warmupLr` with the batch size too; they are as given
 * here, and so the same for its batches of 512.
 */
export interface MobyRecipe extends CommonRecipe {
  /** Name of the method. */
  readonly method: "moby";
  /** Sizes of the projector and the predictor; in the public code, 4096 and 256. */
  readonly head: MobyHeadConfig;
  /** Learning rate at the first step, from which the warm-up rises (`WARMUP_LR`); 5e-7. */
  readonly warmupLr: number;
  /** Divides the cosines in the loss (`CONTRAST_TEMPERATURE`); 0.2. */
  readonly temperature: number;
  /**
   * Momentum of the key encoder at the start (`CONTRAST_MOMENTUM`); it rises to 1 along a cosine.
   * 0.99 in the paper.
   */
  readonly keyMomentum: number;
  /** Keys in each queue, a multiple of the batch size (`CONTRAST_NUM_NEGATIVE`); 4096. */
  readonly queueLength: number;
}

/** Sizes of the projector and the predictor. */
export interface MobyHeadConfig {
  /** Width of the hidden layer. */
  readonly hiddenDim: number;
  /** Length of queries and keys. */
  readonly outDim: number;
}

/** Where a step is in its run. */
type Place = Pick<Moment, "step" | "totalSteps">;

/**
 * The learning rate and the weight decay at a step.
 *
 * As in the public code, the cosine runs over the whole run, so the rate jumps a little down where
 * the warm-up ends; and the schedule is a step late, since the code sets the rate after the update.
 */
export function mobyValues(recipe: MobyRecipe, { step, totalSteps }: Place): OptimizerValues {
  const { lr, minLr, warmupLr, batchSize, weightDecay: base, weightDecayEnd: final } = recipe;
  const late = Math.max(step - 1, 0);
  const peak = lr * batchSize / 256;
  const rise = warmupSteps(recipe, totalSteps);
  return {
    lr: late < rise
      ? warmupLr + (peak - warmupLr) * late / rise
      : cosineSchedule(late, { base: peak, final: minLr, totalSteps }),
    weightDecay: cosineSchedule(step, { base, final, totalSteps }),
  };
}

/**
 * The fraction of its old value that the key encoder keeps at a step.
 *
 * Differs: in the public code this schedule begins anew where a run is resumed. The code counts
 * steps from `TRAIN.START_EPOCH`, which it sets only after the count has begun at 0.
 */
export function keyMomentum(
  { keyMomentum: base }: MobyRecipe,
  { step, totalSteps }: Place,
): number {
  return cosineSchedule(step, { base, final: 1, totalSteps });
}

const demand = demandFor("MoBY");

/**
 * @throws {RangeError} If MoBY cannot follow the recipe; the message names the value and what is
 *   allowed.
 */
export function checkMoby(recipe: MobyRecipe) {
  const { head, temperature, keyMomentum: m, crops, batchSize, accumulate = 1 } = recipe;
  for (const name of ["hiddenDim", "outDim"] as const) {
    const value = head[name];
    const valid = Number.isInteger(value) && value > 0;
    demand(valid, `recipe.head.${name}`, value, "a whole number of at least 1");
  }
  const positive = Number.isFinite(temperature) && temperature > 0;
  demand(positive, "recipe.temperature", temperature, "a number above 0");
  demand(m >= 0 && m <= 1, "recipe.keyMomentum", m, "a number from 0 to 1");
  const { warmupLr, queueLength } = recipe;
  demand(warmupLr >= 0, "recipe.warmupLr", warmupLr, "a number of at least 0");
  const { localCrops } = crops;
  demand(localCrops === 0, "recipe.crops.localCrops", localCrops, "0: it compares two views");
  const whole = Number.isInteger(queueLength) && queueLength > 0 && queueLength % batchSize === 0;
  demand(whole, "recipe.queueLength", queueLength, `a multiple of the batch size, ${batchSize}`);
  const smallest = Math.min(...microBatches(batchSize, accumulate).map(({ count }) => count));
  demand(smallest > 1, "micro-batches of", smallest, "2 images for BatchNorm: lower accumulate");
}
