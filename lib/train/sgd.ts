/**
 * Stochastic gradient descent with momentum, as in PyTorch. tfjs's own version keeps the buffers by
 * the positions of the weights in a list, ours by their names.
 */
import type * as tf from "lib/tf.ts";
import { type MomentumFactors, moveByMomentum } from "./momentum.ts";
import { beginUpdates, type OptimizerState, type WeightOptions } from "./optimizer_state.ts";

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
  const updates = beginUpdates(weights, grads, state, ["momentum"], ofWeights);
  const factors = updates.map(({ decays, lrScale }): MomentumFactors => ({
    decay: decays ? weightDecay : 0,
    momentum,
    inside: 1,
    outside: lr * lrScale,
    eta: 0,
    adapts: "not",
  }));
  moveByMomentum(updates, "momentum", factors, ofWeights.decided);
}
