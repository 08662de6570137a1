/**
 * The errors for steps with NaN or infinite numbers. They name the first bad tensor and say what to
 * try.
 */
import * as tf from "lib/tf.ts";
import { allFinite, firstNonFinite, firstNonFiniteLater } from "lib/train/finite.ts";
import type { Reading } from "lib/train/reading.ts";
import type { Views } from "lib/ssl/views/views.ts";

const advice = "lower lr, lengthen warmupShare, or lower clipNorm";

/** Tensors by name, in the order in which they are checked. */
type Named = Iterable<readonly [string, tf.Tensor]>;

/**
 * The error for a loss that is NaN or infinite.
 *
 * @param state The networks' tensors by name, in the order in which they are checked.
 */
export function nonFiniteLoss(loss: number, views: Views, state: Named): RangeError {
  return errorOfLoss(loss, firstNonFinite([...namedViews(views), ...state]));
}

/** The error for gradients whose norm is not finite. It names the first of them. */
export function nonFiniteGradient(grads: Named): RangeError {
  const squares = () => firstNonFinite([...grads].map(([name, grad]) => [name, grad.square()]));
  return errorOfGradient(tf.tidy(squares)); // squares can overflow where the gradient itself does not
}

/** What is needed to name the first bad tensor of a step after its numbers are read. */
export interface Evidence {
  /** Which view is the first with a value that is not finite: its place, or −1 if there is none. */
  readonly badViews: Reading;
  /** The same for the gradients. */
  readonly badGradient: Reading;
}

/** @param squares Squared norms of the gradients, `[n]`. */
export function evidenceOf(views: Views, squares: tf.Tensor1D): Evidence {
  const flags = tf.stack([...namedViews(views)].map(([, view]) => allFinite(view).toFloat()));
  return {
    badViews: { tensors: [flags], value: ([values]) => Array.from(values!).indexOf(0) },
    badGradient: {
      tensors: [squares],
      value: ([values]) => Array.from(values!).findIndex((square) => !Number.isFinite(square)),
    },
  };
}

/**
 * Throws if a step that was taken before had numbers that are not finite.
 *
 * @param found What was read of the step's {@linkcode Evidence}.
 * @param state The networks' tensors, which no step has changed since the bad one.
 * @throws {RangeError} The error that the step would have thrown if it had read its numbers.
 */
export async function checkFinite(
  { loss, badViews, badGradient }: Readonly<Record<"loss" | keyof Evidence, number>>,
  { names, state }: { readonly names: readonly string[]; readonly state: Named },
): Promise<void> {
  if (!Number.isFinite(loss)) {
    throw errorOfLoss(loss, viewNames[badViews] ?? await firstNonFiniteLater(state));
  }
  if (badGradient >= 0) throw errorOfGradient(names[badGradient]);
}

const viewNames = ["the global views", "the local views"] as const;

function namedViews({ global, local }: Views): [string, tf.Tensor][] {
  return [[viewNames[0], global], ...(local === null ? [] : [[viewNames[1], local]] as const)] as [
    string,
    tf.Tensor,
  ][];
}

function errorOfLoss(loss: number, bad: string | undefined): RangeError {
  const where = bad === undefined
    ? "every weight and every view is finite, so it overflows on the way through the network"
    : `the first tensor that is not finite is ${bad}`;
  return new RangeError(`Cannot take a step: the loss is ${loss}; ${where}; ${advice}`);
}

function errorOfGradient(name: string | undefined): RangeError {
  return new RangeError(
    `Cannot take a step: the norm of the gradient of ${name} is not finite; ${advice}`,
  );
}
