/**
 * Gradients of a network in half the memory: tfjs keeps every activation and the gradient of every
 * activation until the last weight has its own; here each goes as soon as nothing needs it, as in
 * PyTorch.
 */
import * as tf from "lib/tf.ts";

export interface LossAndGradients {
  readonly value: tf.Scalar;
  /**
   * By the names of the weights; one that the loss does not depend on has none. The caller owns
   * them.
   */
  readonly grads: Map<string, tf.Tensor>;
}

/**
 * The value of a loss and its gradients, the same as of `tf.variableGrads`.
 *
 * @param loss Runs the network; its gradients cannot be differentiated again.
 * @param weights By name.
 */
export function lossAndGradients(
  loss: () => tf.Scalar,
  weights: ReadonlyMap<string, tf.Variable>,
): LossAndGradients {
  const { value, grads } = tf.variableGrads(() => {
    const y = loss();
    const progress = { reached: new Set<number>(), added: [] };
    activeTape().forEach((node) => freeAfterUse(node, progress));
    return y;
  }, [...weights.values()]);
  const named = [...weights].flatMap(([name, { name: id }]) => {
    const grad = grads[id];
    return grad ? [[name, grad] as const] : [];
  });
  return { value, grads: new Map(named) };
}

/** What tfjs notes down of one op, as far as this file looks into it. */
interface TapeNode {
  readonly inputs: tf.NamedTensorMap;
  readonly saved?: tf.Tensor[];
  gradient?: (this: TapeNode, dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

function activeTape(): TapeNode[] {
  return tf.tfjsEngine().state.activeTape as unknown as TapeNode[] ?? [];
}

/** The way back so far. */
interface Progress {
  /** Tensors, by id, that have a gradient. */
  readonly reached: Set<number>;
  /**
   * Gradients that tfjs has added to an earlier one of the same tensor, or will have by the next
   * op; it keeps them.
   */
  added: tf.Tensor[];
}

/**
 * Makes an op free, once its inputs have their gradients, those of its outputs and what it had
 * saved. No other op needs either: tfjs adds up an output's gradients before it comes to the op,
 * and saves for each op apart.
 */
function freeAfterUse(node: TapeNode, progress: Progress): void {
  const { gradient } = node;
  if (gradient === undefined || gradient === null) return;
  node.gradient = function (dys) { // `this` is a copy of the node with only the inputs that lead to a weight
    tf.dispose(progress.added);
    const names = Object.keys(this.inputs);
    const dxs = tf.tidy(() => {
      const thunks = gradient.call(this, dys);
      return apart(names.map((name) => thunks[name]!()), dys);
    });
    tf.dispose([...dys.filter((dy) => dy !== null), ...this.saved ?? []]);
    const ids = names.map((name) => this.inputs[name]!.id);
    progress.added = dxs.filter((_, i) =>
      progress.reached.has(ids[i]!) || ids.indexOf(ids[i]!) < i
    );
    ids.forEach((id) => progress.reached.add(id));
    return Object.fromEntries(names.map((name, i) => [name, () => dxs[i]!]));
  };
}

/** The tensors, none of them twice and none of `others`: each can then be freed on its own. */
function apart(tensors: readonly tf.Tensor[], others: readonly (tf.Tensor | null)[]): tf.Tensor[] {
  return tensors.map((tensor, i) =>
    others.includes(tensor) || tensors.indexOf(tensor) < i ? tensor.clone() : tensor
  );
}
