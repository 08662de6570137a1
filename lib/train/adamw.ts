/** AdamW (Loshchilov & Hutter 2019), as PyTorch's: tfjs has none, and its Adam keeps moments by position. */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";

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
  const updates = [...grads].map(([name, grad]) => {
    const weight = weights.get(name);
    if (weight === undefined) throw new TypeError(`Cannot update ${name}: no weight has this name`);
    return { name, weight, grad };
  });
  if (updates.length === 0) return;
  const moments = updates.map(({ name, weight }) => {
    const own = state.get(name) ?? zeroMoments(weight);
    state.set(name, own);
    own.steps++;
    return own;
  });
  const factors = updates.map(({ name, weight }, i) =>
    factorsOf(moments[i]!.steps, decays(name, weight), options)
  );
  const variables = [
    ...updates.map(({ weight }) => weight),
    ...moments.map(({ first }) => first),
    ...moments.map(({ second }) => second),
  ];
  update(variables, updates.map(({ grad }) => grad), factors);
}

/** Fresh moments for one weight. */
export function zeroMoments(weight: tf.Tensor): AdamWMoments {
  return tf.tidy(() => ({
    first: tf.variable(tf.zerosLike(weight), false),
    second: tf.variable(tf.zerosLike(weight), false),
    steps: 0,
  }));
}

/** The numbers of one weight's update: [keep, β₁, 1 − β₁, β₂, 1 − β₂, 1/√(1 − β₂ᵗ), eps, lr/(1 − β₁ᵗ)]. */
type Factors = readonly [number, number, number, number, number, number, number, number];

function factorsOf(
  t: number,
  decays: boolean,
  { lr, weightDecay, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }: AdamWOptions,
): Factors {
  const keep = decays ? 1 - lr * weightDecay : 1;
  const [rms, step] = [1 / Math.sqrt(1 - beta2 ** t), lr / (1 - beta1 ** t)];
  return [keep, beta1, 1 - beta1, beta2, 1 - beta2, rms, eps, step];
}

/** Moves N weights, N first and N second moments, listed in this order. */
function update(
  variables: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  factors: readonly Factors[],
): void {
  const [weights, moments] = [variables.slice(0, grads.length), variables.slice(grads.length)];
  tf.tidy(() => {
    const inputs = [
      ...weights,
      ...grads,
      ...moments,
      tf.tensor2d(factors.flat(), [grads.length, 8]),
    ];
    const updated = fused("AdamW", inputs) ?? plainUpdate(variables, grads, factors);
    variables.forEach((variable, i) => variable.assign(updated[i]!));
  });
}

/** The new values, in the order of the variables. */
function plainUpdate(
  variables: readonly tf.Variable[],
  grads: readonly tf.Tensor[],
  factors: readonly Factors[],
): tf.Tensor[] {
  const n = grads.length;
  const moved = grads.map((grad, i) => {
    const [keep, beta1, new1, beta2, new2, rms, eps, step] = factors[i]!;
    const first = variables[n + i]!.mul(beta1).add(grad.mul(new1));
    const second = variables[2 * n + i]!.mul(beta2).add(grad.square().mul(new2));
    const direction = first.div(second.sqrt().mul(rms).add(eps));
    return [variables[i]!.mul(keep).sub(direction.mul(step)), first, second];
  });
  return [0, 1, 2].flatMap((kind) => moved.map((tensors) => tensors[kind]!));
}

/** Frees all moments. */
export function disposeAdamW(state: AdamWState): void {
  for (const { first, second } of state.values()) tf.dispose([first, second]);
  state.clear();
}
