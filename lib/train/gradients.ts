/**
 * Computes the gradients of a network in half the memory. tfjs keeps all activations, and the
 * gradients of all activations, until the gradient of the last weight is there. Here each tensor is
 * freed as soon as nothing needs it, as in PyTorch.
 */
import * as tf from "lib/tf.ts";

export interface LossAndGradients {
  readonly value: tf.Scalar;
  /**
   * Gradients by the names of the weights; the caller owns them. A weight that the loss does not
   * depend on has no gradient.
   */
  readonly grads: Map<string, tf.Tensor>;
}

/**
 * The value of a loss and its gradients: the numbers of `tf.variableGrads`.
 *
 * @param loss Runs the network; its gradients cannot be differentiated again.
 * @param weights The variables, by their names.
 */
export function lossAndGradients(
  loss: () => tf.Scalar,
  weights: ReadonlyMap<string, tf.Variable>,
): LossAndGradients {
  const { value, grads } = tf.variableGrads(() => {
    const y = loss();
    freeOnTheWay(activeTape());
    return y;
  }, [...weights.values()]);
  const named = [...weights].flatMap(([name, { name: id }]) => {
    const grad = grads[id];
    return grad ? [[name, grad] as const] : [];
  });
  return { value, grads: new Map(named) };
}

/**
 * Takes the gradient of a weight as soon as it is complete, while those of layers nearer to the
 * input are still to be computed.
 *
 * @param grad The listener owns it.
 */
export type GradientListener = (name: string, grad: tf.Tensor) => void;

/**
 * The same gradients, of which each goes to a listener when it is complete and is held by nobody
 * else.
 *
 * @returns The value of the loss.
 */
export function tellGradients(
  loss: () => tf.Scalar,
  weights: ReadonlyMap<string, tf.Variable>,
  listener: GradientListener,
): tf.Scalar {
  const run = () => {
    const y = loss();
    const tape = activeTape();
    freeOnTheWay(tape);
    takeGradients(opsOf(y, tape), weights, listener);
    return y;
  };
  return tf.tfjsEngine().gradients(run, [...weights.values()], undefined, true).value;
}

/** The fields of an entry of tfjs's tape that this file uses. An entry describes one op. */
interface TapeNode {
  readonly inputs: Record<string, tf.Tensor>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved?: tf.Tensor[];
  gradient?: (this: TapeNode, dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

function activeTape(): TapeNode[] {
  return tf.tfjsEngine().state.activeTape as unknown as TapeNode[] ?? [];
}

/** The state of the backward pass. */
interface Progress {
  /** Ids of the tensors that have a gradient. */
  readonly reached: Set<number>;
  /**
   * Gradients that are summands: their tensor had a gradient before. tfjs adds them up before the
   * next op and does not free them, so we free them at the next op.
   */
  added: tf.Tensor[];
}

/** Changes all ops on the tape by {@linkcode freeAfterUse}. */
function freeOnTheWay(tape: readonly TapeNode[]): void {
  const progress = { reached: new Set<number>(), added: [] };
  tape.forEach((node) => freeAfterUse(node, progress));
}

/**
 * Changes an op on the tape so that its backward pass also frees memory: once the inputs have their
 * gradients, the gradients of the outputs and the tensors that the op had saved are freed. No other
 * op needs either. tfjs adds up all gradients of an output before it comes to the op, and saves
 * separate tensors for each op.
 */
function freeAfterUse(node: TapeNode, progress: Progress): void {
  const { gradient } = node;
  if (gradient === undefined || gradient === null) return;
  // `this` is a copy of the node with only those inputs that lead to a weight.
  node.gradient = function (dys) {
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

/** A weight whose gradient is being computed. */
interface Awaited {
  readonly name: string;
  /** Inputs of ops that are the weight, and that the way back has not come to. */
  uses: number;
  /** The gradient so far. */
  sum?: tf.Tensor;
}

/** The ops that a result depends on, which the way back comes to. */
function opsOf({ id }: tf.Tensor, tape: readonly TapeNode[]): TapeNode[] {
  const needed = new Set([id]);
  return tape.toReversed().filter(({ inputs, outputs }) => {
    const isNeeded = outputs.some(({ id }) => needed.has(id));
    if (isNeeded) Object.values(inputs).forEach(({ id }) => needed.add(id));
    return isNeeded;
  });
}

/**
 * Changes the ops that use a weight, so that the listener gets its gradient after the last of them
 * on the way back, and tfjs does not.
 */
function takeGradients(
  ops: readonly TapeNode[],
  weights: ReadonlyMap<string, tf.Variable>,
  listener: GradientListener,
): void {
  const awaited = new Map([...weights].map(([name, { id }]): [number, Awaited] => {
    return [id, { name, uses: 0 }];
  }));
  for (const node of ops) {
    const used = Object.values(node.inputs).filter(({ id }) => awaited.has(id));
    if (used.length === 0 || !node.gradient) continue;
    used.forEach(({ id }) => awaited.get(id)!.uses++);
    const { gradient } = node;
    node.gradient = function (dys) {
      const grads = gradient.call(this, dys);
      for (const [name, { id }] of Object.entries(this.inputs)) {
        const weight = awaited.get(id);
        if (weight === undefined) continue;
        addUse(weight, grads[name]!(), listener);
        delete this.inputs[name]; // tfjs adds up the gradients of those that are left
      }
      return grads;
    };
  }
}

/** Adds what one op gives to the gradient of a weight, and frees it. */
function addUse(weight: Awaited, part: tf.Tensor, listener: GradientListener): void {
  const before = weight.sum;
  weight.sum = tf.keep(before === undefined ? part : before.add(part));
  if (before !== undefined) tf.dispose([before, part]);
  if (--weight.uses === 0) listener(weight.name, weight.sum);
}

/**
 * The tensors, with a clone in place of each that comes twice or is one of `others`. So each can be
 * freed by itself.
 */
function apart(tensors: readonly tf.Tensor[], others: readonly (tf.Tensor | null)[]): tf.Tensor[] {
  return tensors.map((tensor, i) =>
    others.includes(tensor) || tensors.indexOf(tensor) < i ? tensor.clone() : tensor
  );
}

/**
 * Computes a tensor that is a constant for the gradient, whatever it is computed from: PyTorch's
 * `no_grad`. The tensors on the way are freed at once.
 */
export function offTape<T extends tf.Tensor>(compute: () => T): T {
  const constant = tf.customGrad(() => ({ value: compute(), gradFunc: () => [] }));
  return constant() as T;
}
