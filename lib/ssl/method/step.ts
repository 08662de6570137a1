/** One training step of any method. */
import * as tf from "lib/tf.ts";
import { clipOnDevice, clipScales, normOf } from "lib/train/clip.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { later, numberOf, type Pending, pendingMap, readNow } from "lib/train/reading.ts";
import { remember, type StepGuard } from "lib/train/step_guard.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { batchGradients } from "./gradients.ts";
import type { Method, Moment } from "./method.ts";
import { checkFinite, evidenceOf, nonFiniteGradient, nonFiniteLoss } from "./non_finite.ts";
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
 * before and after. It reads its numbers at once, which only a CPU can.
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
    const loss = numberOf(batch.loss);
    if (!Number.isFinite(loss)) throw nonFiniteLoss(loss, views, method.state);
    const grads = new Map(Object.entries(batch.grads));
    const { scales, norm } = clipScales(grads, clipNorm || Infinity, method.clipsTogether);
    if (!Number.isFinite(norm)) throw nonFiniteGradient(grads);
    const values = { ...method.optimizerValues(now), scales };
    optimizerStep(name, method.weights, grads, optimizer, values);
    method.afterUpdate(batch, now);
    return { loss, gradNorm: norm, ...readNow(method.signals(batch)) };
  });
}

/**
 * The same step without reading a number: it hands its work to the device and returns.
 *
 * If the loss or a gradient is not finite, the device leaves the whole state as it was, in this step
 * and in all later ones of the same `guard`.
 *
 * @returns The step's numbers. Whoever reads them gets the error that {@linkcode trainStep} throws.
 */
export function issueStep(
  { method, optimizer }: Training,
  views: Views,
  { optimizer: name = "adamw", accumulate = 1, clipNorm }: StepOptions,
  now: Moment,
  guard: StepGuard,
): Pending<StepMetrics> {
  const { weights, state } = method;
  return tf.tidy(() => {
    const trained = new Set(weights.values());
    const undoUnless = remember([...state.values()].filter((tensor) => !trained.has(tensor)));
    method.beforeStep?.(now);
    const batch = batchGradients(method, views, accumulate, now);
    const grads = new Map(Object.entries(batch.grads));
    const { squares, scales } = clipOnDevice(grads, clipNorm || Infinity, method.clipsTogether);
    const ok = guard.judge([...batch.loss.tensors, squares]);
    const values = { ...method.optimizerValues(now), decided: { ok, scales } };
    optimizerStep(name, weights, grads, optimizer, values);
    method.afterUpdate(batch, now);
    undoUnless(ok);
    const metrics = { loss: batch.loss, gradNorm: normOf(squares), ...method.signals(batch) };
    const names = [...grads.keys()];
    const pending = later({ ...metrics, ...evidenceOf(views, squares) });
    return pendingMap(pending, async ({ badViews, badGradient, ...read }) => {
      await checkFinite({ loss: read.loss, badViews, badGradient }, { names, state });
      return read as StepMetrics;
    }) as unknown as tf.TensorContainer;
  }) as unknown as Pending<StepMetrics>;
}
