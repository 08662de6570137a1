/** AdamW (Loshchilov & Hutter 2019), as PyTorch's: tfjs has none, and its Adam keeps moments by position. */
import * as tf from "lib/tf.ts";
import { fused } from "lib/nn/fused.ts";
import { beginUpdates, type OptimizerState } from "lib/train/optimizer_state.ts";

export interface AdamWOptions {
  readonly lr: number;
  /** For matrices and kernels; 0 for biases, norms and layer scales: `decays` in optimizer_state.ts. */
  readonly weightDecay: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
}

/**
 * One update of every weight that has a gradient, in place; each has a bias correction of its own.
 *
 * @param state Moments by weight name.
 * @throws {TypeError} If a gradient has no weight of its name, or the state is another optimiser's.
 */
export function adamWStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  options: AdamWOptions,
): void {
  const updates = beginUpdates(weights, grads, state, ["first", "second"]);
  if (updates.length === 0) return;
  const factors = updates.map(({ slot, decays }) => factorsOf(slot.steps, decays, options));
  const variables = [
    ...updates.map(({ weight }) => weight),
    ...updates.map(({ slot }) => slot.tensors.first),
    ...updates.map(({ slot }) => slot.tensors.second),
  ];
  update(variables, updates.map(({ grad }) => grad), factors);
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
