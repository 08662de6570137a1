/** AdamW (Loshchilov & Hutter 2019), as PyTorch's: tfjs has none, and its Adam keeps moments by position. */
import * as tf from "lib/tf.ts";

/** First and second moment of one weight, and how often it was updated. */
export interface AdamWMoments {
  readonly first: tf.Variable;
  readonly second: tf.Variable;
  steps: number;
}

/** Moments by weight name; a weight that was never updated has none. Each owns its variables. */
export type AdamWState = Map<string, AdamWMoments>;

export interface AdamWOptions {
  readonly lr: number;
  /** For the weights that {@linkcode decays} says; 0 for the others. */
  readonly weightDecay: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
}

/** Biases, norms and layer scales do not decay: whatever is one-dimensional (dino, utils.py `get_params_groups`). */
export function decays(name: string, weight: tf.Variable): boolean {
  return weight.rank > 1 && !name.endsWith(".bias");
}

/**
 * One update of every weight that has a gradient, in place.
 *
 * A weight without one keeps its value, its moments and its own bias correction, as a skipped `grad` does in PyTorch.
 *
 * @throws {TypeError} If a gradient has no weight of its name.
 */
export function adamWStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: AdamWState,
  options: AdamWOptions,
): void {
  for (const [name, grad] of grads) {
    const weight = weights.get(name);
    if (weight === undefined) throw new TypeError(`Cannot update ${name}: no weight has this name`);
    const moments = state.get(name) ?? zeroMoments(weight);
    state.set(name, moments);
    updateOne(weight, grad, moments, decays(name, weight) ? options.weightDecay : 0, options);
  }
}

/** Fresh moments for one weight. */
export function zeroMoments(weight: tf.Tensor): AdamWMoments {
  return tf.tidy(() => ({
    first: tf.variable(tf.zerosLike(weight), false),
    second: tf.variable(tf.zerosLike(weight), false),
    steps: 0,
  }));
}

function updateOne(
  weight: tf.Variable,
  grad: tf.Tensor,
  moments: AdamWMoments,
  weightDecay: number,
  { lr, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }: AdamWOptions,
): void {
  const t = ++moments.steps;
  tf.tidy(() => {
    const first = moments.first.mul(beta1).add(grad.mul(1 - beta1));
    const second = moments.second.mul(beta2).add(grad.square().mul(1 - beta2));
    const rms = second.sqrt().div(Math.sqrt(1 - beta2 ** t)).add(eps);
    const step = first.div(rms).mul(lr / (1 - beta1 ** t));
    weight.assign(weight.mul(1 - lr * weightDecay).sub(step));
    moments.first.assign(first);
    moments.second.assign(second);
  });
}

/** Frees all moments. */
export function disposeAdamW(state: AdamWState): void {
  for (const { first, second } of state.values()) tf.dispose([first, second]);
  state.clear();
}
