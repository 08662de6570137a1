/**
 * The state of an optimiser, such as moments, by the names of the weights. tfjs's optimisers keep
 * it by the positions of the weights in a list, so that leaving one weight out would give its
 * moments to the next one.
 */
import * as tf from "lib/tf.ts";
import { select } from "./step_guard.ts";

/** The state of the optimiser for one weight. */
export interface Slot<Role extends string = string> {
  /**
   * AdamW's `first` and `second` moment, SGD's `momentum` or LARS's `mu`, in the weight's shape.
   * AdamW overwrites their memory, and a clone in tfjs shares memory: to keep old values, read
   * them.
   */
  readonly tensors: Readonly<Record<Role, tf.Variable>>;
  /** How often the weight was updated. */
  steps: number;
}

/** Slots by the names of the weights; a weight that was never updated has none. */
export type OptimizerState = Map<string, Slot>;

/** All that an optimiser needs to update one weight. */
export interface Update<Role extends string> {
  /** The weight's name. */
  readonly name: string;
  readonly weight: tf.Variable;
  readonly grad: tf.Tensor;
  readonly slot: Slot<Role>;
  /** Factor of the gradient: a number, or an element of a vector on the device. */
  readonly scale: number | { readonly of: tf.Tensor1D; readonly at: number };
  /** Factor of the learning rate. */
  readonly lrScale: number;
  /** Whether the weight decays: {@linkcode decays}. */
  readonly decays: boolean;
  /** Gives the weight, or a tensor of its slot, a new value, if the step may change anything. */
  assign(variable: tf.Variable, value: tf.Tensor): void;
}

/** Factors by the names of the weights; a weight without an entry has factor 1. */
export type Scales = ReadonlyMap<string, number>;

/** What the device decides about an update, where the numbers are not read before it. */
export interface DeviceDecisions {
  /** Whether the update may change anything, a boolean: a loss or a gradient may not be finite. */
  readonly ok: tf.Scalar;
  /** Factors of the gradients, `[n]`, in their order. By default, all are 1. */
  readonly scales?: tf.Tensor1D;
}

/** Options of every optimiser for single weights. */
export interface WeightOptions {
  /** What the device decides, in place of `scales`. By default, the update takes place. */
  readonly decided?: DeviceDecisions;
  /** Factors of the gradients, from clipping (`clipScales`). */
  readonly scales?: Scales;
  /**
   * Factors of the learning rate. In fine-tuning, weights that were pre-trained learn more slowly.
   */
  readonly lrScales?: Scales;
}

/**
 * Whether weight decay applies to a weight. Biases, norms and layer scales do not decay: everything
 * with one dimension (dino, utils.py `get_params_groups`).
 */
export function decays(name: string, weight: tf.Variable): boolean {
  return weight.rank > 1 && !name.endsWith(".bias");
}

/**
 * Pairs each gradient with its weight and the weight's slot, and counts the update. A weight
 * without a slot gets a new one.
 *
 * A weight without a gradient keeps its value and its slot, as in PyTorch where `grad` is `None`.
 *
 * @param roles Names of the tensors in a slot, such as `first` and `second`.
 * @throws {TypeError} If a gradient has no weight of its name, or its slot is another optimiser's;
 *   nothing is changed then.
 */
export function beginUpdates<Role extends string>(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  roles: readonly Role[],
  { decided, scales, lrScales }: WeightOptions = {},
): Update<Role>[] {
  for (const name of grads.keys()) {
    if (!weights.has(name)) throw new TypeError(`Cannot update ${name}: no weight has this name`);
    const kept = Object.keys(state.get(name)?.tensors ?? {});
    if (kept.length > 0 && String(kept) !== String(roles)) {
      throw new TypeError(`Cannot update ${name}: need its ${roles}, current state has ${kept}`);
    }
  }
  const assign = (variable: tf.Variable, value: tf.Tensor) =>
    void variable.assign(decided ? select<tf.Tensor>(decided.ok, value, variable) : value);
  return [...grads].map(([name, grad], at) => {
    const weight = weights.get(name)!;
    const slot = state.get(name) ?? zeroSlot(weight, roles);
    state.set(name, slot);
    slot.steps++;
    return {
      name,
      weight,
      grad,
      slot: slot as Slot<Role>,
      scale: decided?.scales ? { of: decided.scales, at } : scales?.get(name) ?? 1,
      lrScale: lrScales?.get(name) ?? 1,
      decays: decays(name, weight),
      assign,
    };
  });
}

/** A new slot for one weight, with zeros. */
export function zeroSlot(weight: tf.Tensor, roles: readonly string[]): Slot {
  return tf.tidy(() => ({
    tensors: Object.fromEntries(
      roles.map((role) => [role, tf.variable(tf.zerosLike(weight), false)]),
    ),
    steps: 0,
  }));
}

/** The gradient times its factor. */
export function scaledGrad({ grad, scale }: Pick<Update<string>, "grad" | "scale">): tf.Tensor {
  if (typeof scale !== "number") return grad.mul(scale.of.slice(scale.at, 1));
  return scale === 1 ? grad : grad.mul(scale);
}

/** Frees all slots. */
export function disposeOptimizer(state: OptimizerState): void {
  for (const { tensors } of state.values()) tf.dispose(Object.values(tensors));
  state.clear();
}
