/** LARS (You et al. 2017), as the reference's `LARS` (dino, utils.py): for convolutional networks and large batches. */
import * as tf from "lib/tf.ts";
import {
  beginUpdates,
  type OptimizerState,
  scaledGrad,
  type WeightOptions,
} from "./optimizer_state.ts";

export interface LarsOptions extends WeightOptions {
  readonly lr: number;
  /** Added to the gradient, of matrices and kernels: `decays` in optimizer_state.ts. */
  readonly weightDecay: number;
  /** Of the buffer that is kept from step to step, a fraction. By default 0.9. */
  readonly momentum?: number;
  /** Length of a step before the learning rate, as a fraction of the weight's. By default 0.001. */
  readonly eta?: number;
}

/**
 * One update of every weight that has a gradient, in place: `mu ← momentum · mu + q · g`, `w ← w − lr · mu`, with `g` the
 * gradient plus `weightDecay · w`.
 *
 * `q = eta · ‖w‖ / ‖g‖` adapts each tensor's step to its length, so that the gradient's own length does not matter. It is 1
 * where either norm is 0, and for biases, norms and layer scales, which do not decay either: whatever is one-dimensional.
 * The reference takes filters for both and asks neither, so there are none here.
 *
 * @param state Buffers by weight name.
 * @throws {TypeError} If a gradient has no weight of its name, or the state is another optimiser's.
 */
export function larsStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  { lr, weightDecay, momentum = 0.9, eta = 0.001, ...ofWeights }: LarsOptions,
): void {
  for (const update of beginUpdates(weights, grads, state, ["mu"], ofWeights)) {
    const { weight, slot: { tensors: { mu } }, lrScale, decays } = update;
    tf.tidy(() => {
      const grad = scaledGrad(update);
      const g = decays ? grad.add(weight.mul(weightDecay)) : grad;
      const adapted = weight.rank === 1 ? g : g.mul(adaptation(weight, g, eta));
      mu.assign(mu.mul(momentum).add(adapted));
      weight.assign(weight.sub(mu.mul(lr * lrScale)));
    });
  }
}

/** `q`, a scalar. */
function adaptation(weight: tf.Tensor, g: tf.Tensor, eta: number): tf.Tensor {
  const [length, ofUpdate] = [weight.square().sum().sqrt(), g.square().sum().sqrt()];
  const q = length.div(ofUpdate).mul(eta);
  return tf.where(tf.logicalAnd(length.greater(0), ofUpdate.greater(0)), q, tf.onesLike(q));
}
