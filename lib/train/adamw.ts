/**
 * AdamW (Loshchilov & Hutter 2019), as in PyTorch. tfjs has none, and its Adam keeps the moments by
 * the positions of the weights in a list, ours by their names.
 */
import * as tf from "lib/tf.ts";
import { fused, hasFused } from "lib/nn/fused.ts";
import {
  beginUpdates,
  type DeviceDecisions,
  type OptimizerState,
  scaledGrad,
  type Update,
  type WeightOptions,
} from "./optimizer_state.ts";
import { select } from "./step_guard.ts";

export interface AdamWOptions extends WeightOptions {
  readonly lr: number;
  /**
   * Weight decay of matrices and kernels. Biases, norms and layer scales have none (`decays` in
   * optimizer_state.ts), unless `decayAll` is set.
   */
  readonly weightDecay: number;
  /** Whether every weight decays. By default, not. */
  readonly decayAll?: boolean;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
}

/**
 * One update of every weight that has a gradient, in place. Each weight has its own bias
 * correction, since a frozen weight has taken fewer updates.
 *
 * @param state The moments, by the names of the weights.
 * @throws {TypeError} If a gradient has no weight of its name, or the state is another optimiser's.
 */
export function adamWStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  options: AdamWOptions,
): void {
  const updates = beginUpdates(weights, grads, state, roles, options);
  if (updates.length === 0) return;
  const factors = updates.map((update) => factorsOf(update, options));
  if (hasFused("AdamW")) return fusedUpdate(updates, factors, options.decided);
  updates.forEach((update, i) => tf.tidy(() => plainUpdate(update, factors[i]!)));
}

const roles = ["first", "second"] as const;
type AdamWUpdate = Update<typeof roles[number]>;

/**
 * The factors in the update of one weight: [keep, β₁, 1 − β₁, β₂, 1 − β₂, 1/√(1 − β₂ᵗ), eps, lr/(1
 * − β₁ᵗ), scale].
 */
type Factors = readonly [
  ...[number, number, number, number],
  ...[number, number, number, number, number],
];

function factorsOf(
  { slot: { steps: t }, scale, lrScale, decays }: AdamWUpdate,
  { lr: base, weightDecay, decayAll, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }: AdamWOptions,
): Factors {
  const lr = base * lrScale;
  const keep = decays || decayAll ? 1 - lr * weightDecay : 1;
  const [rms, step] = [1 / Math.sqrt(1 - beta2 ** t), lr / (1 - beta1 ** t)];
  const factor = typeof scale === "number" ? scale : 1; // else the device has it
  return [keep, beta1, 1 - beta1, beta2, 1 - beta2, rms, eps, step, factor];
}

/**
 * Updates all weights by one native kernel. It returns new tensors for the weights, and overwrites
 * the memory of the moments in place, which tfjs does not notice (`optimizer_ops.cc`).
 */
function fusedUpdate(
  updates: readonly AdamWUpdate[],
  factors: readonly Factors[],
  decided: DeviceDecisions | undefined,
): void {
  tf.tidy(() => {
    const table = tf.tensor2d(factors.flat(), [updates.length, factors[0]!.length]);
    const moved = fused("AdamW", [
      ...updates.map(({ weight }) => weight),
      ...updates.map(({ grad, slot: { tensors: { first } } }) =>
        decided ? select<tf.Tensor>(decided.ok, grad, first) : grad
      ),
      ...updates.map(({ slot }) => slot.tensors.first),
      ...updates.map(({ slot }) => slot.tensors.second),
      decided ? decidedFactors(table, decided) : table,
    ])!;
    updates.forEach(({ weight }, i) => weight.assign(moved[i]!));
  });
}

/** The factors with which an update changes nothing, whatever the finite gradient is. */
const unchanged: Factors = [1, 1, 0, 1, 0, 1, 1, 0, 0];

/**
 * The factors, with the scales of the gradients from the device, or those that change nothing. Since
 * 0 · NaN is NaN, the gradients must be replaced too: by the moments, which are finite.
 */
function decidedFactors(table: tf.Tensor2D, { ok, scales }: DeviceDecisions): tf.Tensor2D {
  const [count, width] = table.shape;
  const scaled = scales
    ? tf.concat2d([table.slice([0, 0], [count, width - 1]), scales.reshape([count, 1])], 1)
    : table;
  return select(ok, scaled, tf.tile(tf.tensor2d([...unchanged], [1, width]), [count, 1]));
}

function plainUpdate(update: AdamWUpdate, factors: Factors): void {
  const { weight, slot: { tensors: { first, second } } } = update;
  const [keep, beta1, new1, beta2, new2, rms, eps, step] = factors;
  const grad = scaledGrad(update);
  update.assign(first, first.mul(beta1).add(grad.mul(new1)));
  update.assign(second, second.mul(beta2).add(grad.square().mul(new2)));
  const direction = first.div(second.sqrt().mul(rms).add(eps));
  update.assign(weight, weight.mul(keep).sub(direction.mul(step)));
}
