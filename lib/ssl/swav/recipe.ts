/** SwAV's recipe as data, and its schedules. */
import { demandFor } from "lib/ssl/method/demand.ts";
import type { EmbeddingHeadConfig } from "lib/ssl/method/embedding_network.ts";
import type { Moment, OptimizerValues } from "lib/ssl/method/method.ts";
import { type CommonRecipe, cosineValues } from "lib/ssl/method/recipe.ts";

/** SwAV's recipe. Comments give the names of the public code's arguments (main_swav.py). */
export interface SwavRecipe extends CommonRecipe {
  /** Name of the method. */
  readonly method: "swav";
  /** Sizes of the projection head, and number of prototypes. */
  readonly head: SwavHeadConfig;
  /**
   * Learning rate at the first step of the warm-up (`start_warmup`). Like `minLr`, it is not scaled
   * with the batch size.
   */
  readonly startLr: number;
  /** Divides the scores of the views that predict an assignment (`temperature`). */
  readonly temperature: number;
  /**
   * How soft assignments are (`epsilon`): at smaller values an image is assigned to fewer
   * prototypes.
   */
  readonly epsilon: number;
  /** Iterations of the Sinkhorn–Knopp algorithm (`sinkhorn_iterations`). */
  readonly sinkhornIterations: number;
  /**
   * Number of embeddings from earlier batches, for each of the two global crops, that are assigned
   * together with the batch's own (`queue_length`); 0 for none. It is rounded down to whole batches.
   */
  readonly queueLength: number;
  /**
   * Fraction of the run after which the queue begins to fill, with the next epoch
   * (`epoch_queue_starts`). It is used once it is full.
   */
  readonly queueStartShare: number;
  /**
   * Fraction of the run in which the prototypes keep their first values
   * (`freeze_prototypes_niters`).
   */
  readonly freezePrototypesShare: number;
}

/** Sizes of the projection head, and number of prototypes. */
export interface SwavHeadConfig extends EmbeddingHeadConfig {
  /** K, the number of prototypes (`nmb_prototypes`). */
  readonly prototypes: number;
}

/** The learning rate and the weight decay at a step. */
export function swavValues(recipe: SwavRecipe, now: Pick<Moment, "step" | "totalSteps">) {
  return cosineValues(recipe, now, "last", recipe.startLr) satisfies OptimizerValues;
}

/** Number of embeddings that the queue holds for each global crop: whole batches. */
export function queueRows({ queueLength, batchSize }: SwavRecipe): number {
  return queueLength - queueLength % batchSize;
}

const rounding = 1e-6; // 0.07 · 100 is 7.000000000000001

/** Whether the queue takes up the embeddings of this step: from the beginning of an epoch on. */
export function isQueueing(recipe: SwavRecipe, now: Omit<Moment, "rng">): boolean {
  const { step, stepsPerEpoch, totalSteps } = now;
  const epochs = totalSteps / stepsPerEpoch;
  return queueRows(recipe) > 0 &&
    Math.floor(step / stepsPerEpoch) >= recipe.queueStartShare * epochs - rounding;
}

/** Whether the steps before this one have put batches into the queue until its last row. */
export function fillsQueue(recipe: SwavRecipe, now: Omit<Moment, "rng">): boolean {
  const batches = queueRows(recipe) / recipe.batchSize;
  return now.step >= batches && isQueueing(recipe, { ...now, step: now.step - batches });
}

/** Whether the prototypes are frozen at this step. */
export function freezesPrototypes(
  { freezePrototypesShare }: SwavRecipe,
  { step, totalSteps }: Pick<Moment, "step" | "totalSteps">,
): boolean {
  return step < freezePrototypesShare * totalSteps - rounding;
}

/**
 * The smallest `epsilon`: scores lie between −1 and 1, and for smaller values the exponentials of
 * their quotients would be 0 in double precision.
 */
const leastEpsilon = 0.003;

/**
 * @throws {RangeError} If SwAV cannot follow the recipe; the message names the value and what is
 *   allowed.
 */
export function checkSwav(recipe: SwavRecipe) {
  const { head, temperature, epsilon, batchSize, queueLength, accumulate = 1 } = recipe;
  const demand = demandFor("SwAV");
  const demandWhole = (least: number, name: string, value: number) => {
    const valid = Number.isInteger(value) && value >= least;
    demand(valid, `recipe.${name}`, value, `a whole number of at least ${least}`);
  };
  demandWhole(1, "head.hiddenDim", head.hiddenDim);
  demandWhole(1, "head.outDim", head.outDim);
  demandWhole(2, "head.prototypes", head.prototypes);
  demandWhole(1, "sinkhornIterations", recipe.sinkhornIterations);
  demandWhole(0, "queueLength", queueLength);
  const positive = Number.isFinite(temperature) && temperature > 0;
  demand(positive, "recipe.temperature", temperature, "a number above 0");
  const softEnough = Number.isFinite(epsilon) && epsilon >= leastEpsilon;
  demand(softEnough, "recipe.epsilon", epsilon, `a number of at least ${leastEpsilon}`);
  demand(
    batchSize > 1,
    "recipe.batchSize",
    batchSize,
    "2 images, to share the prototypes between them",
  );
  const holdsBatch = queueLength === 0 || queueLength >= batchSize;
  demand(holdsBatch, "recipe.queueLength", queueLength, `0, or at least batchSize, ${batchSize}`);
  const reason = "1: the images of a batch share the prototypes among them; lower batchSize, or " +
    "raise queueLength";
  demand(accumulate === 1, "recipe.accumulate", accumulate, reason);
}
