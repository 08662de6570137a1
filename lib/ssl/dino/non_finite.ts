/** The errors of a step whose numbers are not finite: they name the first bad tensor and what to try. */
import * as tf from "lib/tf.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { firstNonFinite } from "lib/train/finite.ts";
import type { DinoNetwork } from "./network.ts";

/** What goes into a loss, in this order. */
interface LossInputs {
  readonly global: tf.Tensor;
  readonly local: tf.Tensor | null;
  readonly teacher: DinoNetwork;
  readonly student: DinoNetwork;
  readonly center: tf.Tensor;
}

const advice = "lower lr, lengthen warmupShare, or lower clipNorm";

/** For a loss that is NaN or infinite: names the first of its inputs that is not finite. */
export function nonFiniteLoss(loss: number, inputs: LossInputs): RangeError {
  const { global, local, teacher, student, center } = inputs;
  const bad = firstNonFinite([
    ["the global views", global],
    ...(local === null ? [] : [["the local views", local] as const]),
    ...namedVariables({ teacher: teacher.params, student: student.params }),
    ["center", center],
  ]);
  const where = bad === undefined
    ? "every weight and every view is finite, so it overflows on the way through the network"
    : `the first tensor that is not finite is ${bad}`;
  return new RangeError(`Cannot take a step: the loss is ${loss}; ${where}; ${advice}`);
}

/** For gradients whose norm is not finite: names the first of them. */
export function nonFiniteGradient(grads: Iterable<readonly [string, tf.Tensor]>): RangeError {
  const squared = () => firstNonFinite([...grads].map(([name, grad]) => [name, grad.square()]));
  const bad = tf.tidy(squared); // squared, as the norm has them
  return new RangeError(
    `Cannot take a step: the norm of the gradient of ${bad} is not finite; ${advice}`,
  );
}
