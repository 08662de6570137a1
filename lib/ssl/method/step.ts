/** One training step of any method. */
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
  /** The state of the optimiser; empty before the first step. */
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

/** The settings of a recipe that are the same at all steps. */
export type StepOptions = Pick<CommonRecipe, "optimizer" | "accumulate" | "clipNorm">;

/**
 * Takes a step: loss, gradients, clipping, the optimiser's update, and the method's own updates
 * before and after.
 *
 * It is synchronous, so that one `tidy` frees all tensors even if it throws.
 *
 * @throws {RangeError} If the loss or a gradient is not finite; the message names the first bad
 *   tensor. Only the running statistics of BatchNorm, and averages that a method updates before its
 *   passes, have changed then.
 */
export function trainStep(
  { method, optimizer }: Training,
  views: Views,
  { optimizer: name = "adamw", accumulate = 1, clipNorm }: StepOptions,
  now: Moment,
): StepMetrics {
  return tf.tidy(() => {
    method.beforeStep?.(now);
    const batch = batchGradients(method, views, accumulate, now);
    const grads = new Map(Object.entries(batch.grads));
    const { scales, norm } = clipScales(grads, clipNorm || Infinity, method.clipsTogether);
    if (!Number.isFinite(norm)) throw nonFiniteGradient(grads);
    const values = { ...method.optimizerValues(now), scales };
    optimizerStep(name, method.weights, grads, optimizer, values);
    method.afterUpdate(batch, now);
    return { loss: batch.loss, gradNorm: norm, ...method.signals(batch) };
  });
}
