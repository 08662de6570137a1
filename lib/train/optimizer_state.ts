/**
 * What optimisers keep of the weights from step to step, by the weights' names: tfjs's own keep it
 * by position, so leaving one weight out would hand its moments to a neighbour.
 */
import * as tf from "lib/tf.ts";

/** What is kept of one weight. */
export interface Slot<Role extends string = string> {
  /**
   * In the weight's shape: AdamW's `first` and `second` moment, SGD's `momentum`, LARS's `mu`. Each
   * has memory of its own, which AdamW writes to: what is to be kept of one is read, not cloned.
   */
  readonly tensors: Readonly<Record<Role, tf.Variable>>;
  /** How often the weight was updated. */
  steps: number;
}

/** Slots by weight name; a weight that was never updated has none. */
export type OptimizerState = Map<string, Slot>;

/** One weight that is to move. */
export interface Update<Role extends string> {
  /** The weight's name. */
  readonly name: string;
  readonly weight: tf.Variable;
  readonly grad: tf.Tensor;
  readonly slot: Slot<Role>;
  /** What the gradient is to be multiplied by. */
  readonly scale: number;
  /** What the learning rate is to be multiplied by. */
  readonly lrScale: number;
  /** Whether weight decay is for it: {@linkcode decays}. */
  readonly decays: boolean;
}

/** Factors by the names of weights: 1 where there is none. */
export type Scales = ReadonlyMap<string, number>;

/** What every optimiser is told of single weights. */
export interface WeightOptions {
  /** What clipping leaves of each gradient, as `clipScales` gives it. */
  readonly scales?: Scales;
  /**
   * What the learning rate is multiplied by, as in fine-tuning, where what was pre-trained learns
   * more slowly.
   */
  readonly lrScales?: Scales;
}

/**
 * Biases, norms and layer scales do not decay: whatever is one-dimensional (dino, utils.py
 * `get_params_groups`).
 */
export function decays(name: string, weight: tf.Variable): boolean {
  return weight.rank > 1 && !name.endsWith(".bias");
}

/**
 * Pairs each gradient with its weight and its slot, a fresh one if it has none, and counts the
 * update.
 *
 * A weight without a gradient keeps its value and its slot, as a skipped `grad` does in PyTorch.
 *
 * @param roles Of the tensors in a slot.
 * @throws {TypeError} If a gradient has no weight of its name, or its slot is another optimiser's;
 *   nothing is changed then.
 */
export function beginUpdates<Role extends string>(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  roles: readonly Role[],
  { scales, lrScales }: WeightOptions = {},
): Update<Role>[] {
  for (const name of grads.keys()) {
    if (!weights.has(name)) throw new TypeError(`Cannot update ${name}: no weight has this name`);
    const kept = Object.keys(state.get(name)?.tensors ?? {});
    if (kept.length > 0 && String(kept) !== String(roles)) {
      throw new TypeError(`Cannot update ${name}: need its ${roles}, current state has ${kept}`);
    }
  }
  return [...grads].map(([name, grad]) => {
    const weight = weights.get(name)!;
    const slot = state.get(name) ?? zeroSlot(weight, roles);
    state.set(name, slot);
    slot.steps++;
    return {
      name,
      weight,
      grad,
      slot: slot as Slot<Role>,
      scale: scales?.get(name) ?? 1,
      lrScale: lrScales?.get(name) ?? 1,
      decays: decays(name, weight),
    };
  });
}

/** A fresh slot for one weight. */
export function zeroSlot(weight: tf.Tensor, roles: readonly string[]): Slot {
  return tf.tidy(() => ({
    tensors: Object.fromEntries(
      roles.map((role) => [role, tf.variable(tf.zerosLike(weight), false)]),
    ),
    steps: 0,
  }));
}

/** The gradient, scaled. */
export function scaledGrad({ grad, scale }: Pick<Update<string>, "grad" | "scale">): tf.Tensor {
  return scale === 1 ? grad : grad.mul(scale);
}

/** Frees all slots. */
export function disposeOptimizer(state: OptimizerState): void {
  for (const { tensors } of state.values()) tf.dispose(Object.values(tensors));
  state.clear();
}
