/** Stochastic gradient descent with momentum, as PyTorch's: tfjs's keeps its momentum by position. */
import * as tf from "lib/tf.ts";
import { decays } from "lib/train/adamw.ts";

/** Momentum by weight name; a weight that was never updated has none. Each owns its variable. */
export type SgdState = Map<string, tf.Variable>;

export interface SgdOptions {
  readonly lr: number;
  /** Of the buffer that is kept from step to step, a fraction; 0 keeps none back. */
  readonly momentum: number;
  /** Added to the gradient, for the weights that {@linkcode decays} says. By default 0. */
  readonly weightDecay?: number;
}

/**
 * One update of every weight that has a gradient, in place: `buffer ← momentum · buffer + g`, `w ← w − lr · buffer`, with
 * `g` the gradient plus `weightDecay · w`.
 *
 * The learning rate is outside the buffer, so that it can change between steps. A weight without a gradient keeps its value
 * and its buffer.
 *
 * @throws {TypeError} If a gradient has no weight of its name.
 */
export function sgdStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: SgdState,
  { lr, momentum, weightDecay = 0 }: SgdOptions,
): void {
  for (const name of grads.keys()) {
    if (!weights.has(name)) throw new TypeError(`Cannot update ${name}: no weight has this name`);
  }
  for (const [name, grad] of grads) {
    const weight = weights.get(name)!;
    tf.tidy(() => {
      const decay = decays(name, weight) ? weightDecay : 0;
      const g = decay === 0 ? grad : grad.add(weight.mul(decay));
      const buffer = state.get(name);
      const moved = buffer ? buffer.mul(momentum).add(g) : g.clone();
      if (buffer) buffer.assign(moved);
      else state.set(name, tf.variable(moved, false));
      weight.assign(weight.sub(moved.mul(lr)));
    });
  }
}

/** Frees all buffers. */
export function disposeSgd(state: SgdState): void {
  for (const buffer of state.values()) buffer.dispose();
  state.clear();
}
