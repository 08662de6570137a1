/**
 * Linear classifiers on frozen features, one per learning rate, computed side by side in one
 * product.
 *
 * B images of a batch, D features, C classes, L learning rates.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { constant } from "lib/nn/init.ts";
import { rankOf } from "lib/eval/nearest/rank.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { takeValues } from "lib/train/reading.ts";
import { sgdStep } from "lib/train/sgd.ts";

/** L classifiers that are trained together; each learns exactly as it would alone. */
export interface LinearProbe {
  readonly weight: tf.Variable<tf.Rank.R2>; // [D, L·C]
  readonly bias: tf.Variable<tf.Rank.R1>; // [L·C]
  readonly momentum: OptimizerState;
  /** Peak learning rate of each classifier, already scaled with the batch size. */
  readonly rates: readonly number[];
  readonly numClasses: number;
}

/** Creates the classifiers. All start from the same weights, as runs of one seed do. */
export function createLinearProbe(
  dim: number,
  { numClasses, rates }: Pick<LinearProbe, "numClasses" | "rates">,
  rng: Rng,
): LinearProbe {
  const width = rates.length * numClasses;
  const weight = constant<tf.Rank.R2>([dim, width], 0);
  const values = Float32Array.from({ length: dim * numClasses }, () => rng.normal(0, 0.01));
  tf.tidy(() => {
    const one = tf.tensor2d(values, [dim, numClasses]);
    weight.assign(tf.tile(one, [1, rates.length]));
  });
  return { weight, bias: constant([width], 0), momentum: new Map(), rates, numClasses };
}

/** Frees weights and momentum. */
export function disposeLinearProbe({ weight, bias, momentum }: LinearProbe): void {
  tf.dispose([weight, bias]);
  disposeOptimizer(momentum);
}

/**
 * Takes one step of every classifier on one batch.
 *
 * @param x `[B, D]`
 * @param labels `[B]`
 * @param share Current value of the schedule, as a share of the peak rates.
 * @returns `[L]`, mean cross-entropy before the step, in nats; the caller owns it.
 */
export function linearProbeStep(
  { weight, bias, momentum, rates, numClasses }: LinearProbe,
  x: tf.Tensor2D,
  labels: Int32Array,
  share: number,
): tf.Tensor1D {
  const [batch, count] = [labels.length, rates.length];
  return tf.tidy(() => {
    const logits = tf.matMul(x, weight).add(bias).reshape([batch, count, numClasses]);
    const target = tf.oneHot(tf.tensor1d(labels, "int32"), numClasses).toFloat()
      .reshape([batch, 1, numClasses]);
    const logProbabilities = tf.logSoftmax(logits); // [B, L, C]
    // Multiplying the gradient by its rate before the momentum is the same as multiplying after it.
    const ratePerClass = tf.tensor3d([...rates], [1, count, 1]).div(batch);
    const slope = logProbabilities.exp().sub(target).mul(ratePerClass)
      .reshape<tf.Tensor2D>([batch, count * numClasses]);
    const weights = new Map<string, tf.Variable>([["weight", weight], ["bias", bias]]);
    const grads = new Map<string, tf.Tensor>([
      ["weight", tf.matMul(x, slope, true)],
      ["bias", slope.sum(0)],
    ]);
    sgdStep(weights, grads, momentum, { lr: share, momentum: 0.9 });
    return logProbabilities.mul(target).sum(2).mean(0).neg() as tf.Tensor1D; // [L]
  });
}

/**
 * Counts the images that each classifier gets right.
 *
 * Equal logits are ranked by class; NaN is wrong.
 */
export async function linearProbeHits(
  { weight, bias, rates, numClasses }: LinearProbe,
  x: tf.Tensor2D,
  labels: Int32Array,
): Promise<{ readonly top1: number; readonly top5: number }[]> {
  const logits = await takeValues(tf.tidy(() => tf.matMul(x, weight).add(bias))); // [B, L·C]
  return rates.map((_, classifier) => {
    let [top1, top5] = [0, 0];
    labels.forEach((label, row) => {
      const from = (row * rates.length + classifier) * numClasses;
      const rank = rankOf(logits.subarray(from, from + numClasses), label);
      top1 += Number(rank < 1);
      top5 += Number(rank < 5);
    });
    return { top1, top5 };
  });
}
