/**
 * Stochastic gradient descent with momentum, as in PyTorch. tfjs's own version keeps the buffers by
 * the positions of the weights in a list, ours by their names.
 */
import * as tf from "lib/tf.ts";
import {
  beginUpdates,
  type OptimizerState,
  scaledGrad,
  type WeightOptions,
} from "./optimizer_state.ts";

export interface SgdOptions extends WeightOptions {
  readonly lr: number;
  /** Fraction of the buffer that is kept from step to step; 0 keeps none. */
  readonly momentum: number;
  /**
   * Factor of the weight that is added to its gradient, for matrices and kernels only (`decays` in
   * optimizer_state.ts). By default 0.
   */
  readonly weightDecay?: number;
}

/**
 * One update of every weight that has a gradient, in place: `buffer ← momentum · buffer + g`,
 * `w ← w − lr · buffer`, with `g` the gradient plus `weightDecay · w`.
 *
 * The learning rate does not enter the buffer, so that it can change between steps.
 *
 * @param state The buffers, by the names of the weights.
 * @throws {TypeError} If a gradient has no weight of its name, or the state is another optimiser's.
 */
export function sgdStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  { lr, momentum, weightDecay = 0, ...ofWeights }: SgdOptions,
): void {
  for (const update of beginUpdates(weights, grads, state, ["momentum"], ofWeights)) {
    const { weight, slot: { tensors: { momentum: buffer } } } = update;
    tf.tidy(() => {
      const grad = scaledGrad(update);
      const decay = update.decays ? weightDecay : 0;
      const g = decay === 0 ? grad : grad.add(weight.mul(decay));
      update.assign(buffer, buffer.mul(momentum).add(g));
      update.assign(weight, weight.sub(buffer.mul(lr * update.lrScale)));
    });
  }
}
