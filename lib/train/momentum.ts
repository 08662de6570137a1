/**
 * Updates by a momentum buffer: SGD, and LARS, whose steps have lengths in proportion to those of
 * the weights.
 */
import * as tf from "lib/tf.ts";
import { fused, hasFused } from "lib/nn/fused.ts";
import { type DeviceDecisions, scaledGrad, type Update } from "./optimizer_state.ts";

/** The numbers of the update of one weight. */
export interface MomentumFactors {
  /** Factor of the weight that is added to its gradient; 0 for none. */
  readonly decay: number;
  /** Fraction of the buffer that is kept. */
  readonly momentum: number;
  /** Factor of what is added to the buffer. */
  readonly inside: number;
  /** Factor of the buffer, where it is taken from the weight. */
  readonly outside: number;
  /** Length of a step as a fraction of the weight's length, where the step adapts to it. */
  readonly eta: number;
  /**
   * Which quotient `q` the gradient is multiplied by: 1; `eta · ‖w‖ / ‖g‖`; or, as in apex's `LARC`
   * without its option `clip`, `eta · ‖w‖ / (‖gradient‖ + decay · ‖w‖ + 1e-8)`. Where a length is 0
   * it is 1, and by apex's rule the weight does not decay either.
   */
  readonly adapts: typeof adaptations[number];
}

/** In the order of the constants `kFixed`, `kLengths` and `kApex` of lib/native. */
const adaptations = ["not", "to lengths", "as apex"] as const;

/**
 * Updates weights in place: `buffer ← momentum · buffer + inside · q · g`, `w ← w − outside · buffer`,
 * with `g` the gradient plus `decay · w`.
 *
 * @param role The buffer's name in the slots.
 * @param factors One for each update.
 */
export function moveByMomentum<Role extends string>(
  updates: readonly Update<Role>[],
  role: Role,
  factors: readonly MomentumFactors[],
  decided: DeviceDecisions | undefined,
): void {
  if (updates.length === 0) return;
  if (!decided && hasFused("Momentum")) return fusedUpdate(updates, role, factors);
  updates.forEach((update, i) => tf.tidy(() => plainUpdate(update, role, factors[i]!)));
}

/**
 * Updates all weights by one native kernel. It returns new tensors for the weights, and overwrites
 * the memory of the buffers in place, which tfjs does not notice (`optimizer_ops.cc`).
 */
function fusedUpdate<Role extends string>(
  updates: readonly Update<Role>[],
  role: Role,
  factors: readonly MomentumFactors[],
): void {
  const rows = factors.map(({ decay, momentum, inside, outside, eta, adapts }, i) => {
    const scale = updates[i]!.scale as number; // only a device that decides has a tensor here
    return [scale, decay, momentum, inside, outside, eta, adaptations.indexOf(adapts)];
  });
  tf.tidy(() => {
    const moved = fused("Momentum", [
      ...updates.map(({ weight }) => weight),
      ...updates.map(({ grad }) => grad),
      ...updates.map(({ slot }) => slot.tensors[role]),
      tf.tensor2d(rows),
    ])!;
    updates.forEach(({ weight }, i) => weight.assign(moved[i]!));
  });
}

function plainUpdate<Role extends string>(
  update: Update<Role>,
  role: Role,
  factors: MomentumFactors,
): void {
  const { weight } = update;
  const buffer: tf.Variable = update.slot.tensors[role];
  const { momentum, inside, outside } = factors;
  const g = adaptedGrad(update, factors);
  update.assign(buffer, buffer.mul(momentum).add(inside === 1 ? g : g.mul(inside)));
  update.assign(weight, weight.sub(outside === 1 ? buffer : buffer.mul(outside)));
}

/** `q · g` */
function adaptedGrad(
  update: Pick<Update<string>, "weight" | "grad" | "scale">,
  { decay, eta, adapts }: MomentumFactors,
): tf.Tensor {
  const { weight } = update;
  const grad = scaledGrad(update);
  const g = decay === 0 ? grad : grad.add(weight.mul(decay));
  if (adapts === "not") return g;
  const length = lengthOf(weight);
  const lengthOfStep = lengthOf(adapts === "as apex" ? grad : g);
  const isAdapted = tf.logicalAnd(length.greater(0), lengthOfStep.greater(0));
  const divisor = adapts === "as apex"
    ? lengthOfStep.add(length.mul(decay)).add(1e-8)
    : lengthOfStep;
  const q = length.mul(eta).div(divisor);
  return tf.where(isAdapted, g.mul(q), adapts === "as apex" ? grad : g);
}

function lengthOf(x: tf.Tensor): tf.Tensor {
  return x.square().sum().sqrt();
}
