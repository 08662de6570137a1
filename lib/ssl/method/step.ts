/** One step of training by any method. */
import * as tf from "lib/tf.ts";
import { clipScales } from "lib/train/clip.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { batchGradients } from "./gradients.ts";
import type { Method, Moment } from "./method.ts";
import { nonFiniteGradient } from "./non_finite.ts";
import type { CommonRecipe } from "./recipe.ts";

/** A method in training. */
export interface Training {
  readonly method: Method;
  /** What the optimiser keeps of the weights; empty before the first step. */
  readonly optimizer: OptimizerState;
}

/**
 * What a step measures: the loss, the L2 norm of all gradients before clipping, and the method's
 * own signals.
 */
export interface StepMetrics extends Readonly<Record<string, number>> {
  readonly loss: number;
  readonly gradNorm: number;
}

/** What a recipe leaves the same for all steps. */
export type StepOptions = Pick<CommonRecipe, "optimizer" | "accumulate" | "clipNorm">;

/**
 * Loss, gradients, clipping, update, and what the method does after it.
 *
 * Synchronous, so that one `tidy` frees everything, also when it throws.
 *
 * @throws {RangeError} If the loss or a gradient is not finite; the message names the first bad
 *   tensor. The state is then unchanged, but for the running statistics of BatchNorm.
 */
export function trainStep(
  { method, optimizer }: Training,
  views: Views,
  { optimizer: name = "adamw", accumulate = 1, clipNorm }: StepOptions,
  now: Moment,
): StepMetrics {
  return tf.tidy(() => {
    const batch = batchGradients(method, views, accumulate, now);
    const grads = new Map(Object.entries(batch.grads));
    const { scales, norm } = clipScales(grads, clipNorm || Infinity);
    if (!Number.isFinite(norm)) throw nonFiniteGradient(grads);
    const values = { ...method.optimizerValues(now), scales };
    optimizerStep(name, method.weights, grads, optimizer, values);
    method.afterUpdate(batch, now);
    return { loss: batch.loss, gradNorm: norm, ...method.signals(batch) };
  });
}
