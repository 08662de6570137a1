/**
 * The errors for steps with NaN or infinite numbers. They name the first bad tensor and say what to
 * try.
 */
import * as tf from "lib/tf.ts";
import { firstNonFinite } from "lib/train/finite.ts";
import type { Views } from "lib/ssl/views/views.ts";

const advice = "lower lr, lengthen warmupShare, or lower clipNorm";

/**
 * The error for a loss that is NaN or infinite.
 *
 * @param state The networks' tensors by name, in the order in which they are checked.
 */
export function nonFiniteLoss(
  loss: number,
  { global, local }: Views,
  state: Iterable<readonly [string, tf.Tensor]>,
): RangeError {
  const bad = firstNonFinite([
    ["the global views", global],
    ...(local === null ? [] : [["the local views", local] as const]),
    ...state,
  ]);
  const where = bad === undefined
    ? "every weight and every view is finite, so it overflows on the way through the network"
    : `the first tensor that is not finite is ${bad}`;
  return new RangeError(`Cannot take a step: the loss is ${loss}; ${where}; ${advice}`);
}

/** The error for gradients whose norm is not finite. It names the first of them. */
export function nonFiniteGradient(grads: Iterable<readonly [string, tf.Tensor]>): RangeError {
  const squares = () => firstNonFinite([...grads].map(([name, grad]) => [name, grad.square()]));
  const bad = tf.tidy(squares); // squares can overflow where the gradient itself does not
  return new RangeError(
    `Cannot take a step: the norm of the gradient of ${bad} is not finite; ${advice}`,
  );
}
