/**
 * Computes the gradients of a network, from the ops that tfjs notes on its tape. tfjs's own way back
 * keeps all activations, and the gradients of all activations, until the gradient of the last weight
 * is there. Here each tensor is freed as soon as nothing needs it, as in PyTorch.
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
 * @throws {Error} If the loss depends on none of the weights, or an op on the way has no gradient.
 */
export function lossAndGradients(
  loss: () => tf.Scalar,
  weights: ReadonlyMap<string, tf.Variable>,
): LossAndGradients {
  const told = new Map<string, tf.Tensor>();
  const value = backPropagate(loss, weights, (name, grad) => void told.set(name, grad));
  if (told.size === 0) throw new Error("Cannot compute gradients: the loss depends on no weight");
  const inOrder = [...weights.keys()].flatMap((name) => {
    const grad = told.get(name);
    return grad ? [[name, grad] as const] : [];
  });
  return { value, grads: new Map(inOrder) };
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
 * @throws {Error} If an op on the way has no gradient.
 */
export function tellGradients(
  loss: () => tf.Scalar,
  weights: ReadonlyMap<string, tf.Variable>,
  listener: GradientListener,
): tf.Scalar {
  return backPropagate(loss, weights, (name, grad) => listener(name, tf.keep(grad)));
}

/** Runs the loss, and goes back. @param done Gets the gradients, which the enclosing `tidy` owns. */
function backPropagate(
  loss: () => tf.Scalar,
  weights: ReadonlyMap<string, tf.Variable>,
  done: GradientListener,
): tf.Scalar {
  const tape = startTape();
  try {
    const value = tf.tidy(() => {
      try {
        return loss();
      } finally {
        endTape();
      }
    });
    goBack(value, stepsBack(value, tape, weights), weights, done);
    return value;
  } finally {
    for (const { saved } of tape) if (saved !== undefined) tf.dispose(saved);
  }
}

/** The fields of an entry of tfjs's tape that this file uses. An entry describes one op. */
interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  /** What the op keeps for its gradient: tensors of its own. */
  readonly saved?: tf.Tensor[];
  /**
   * @param dys The gradients of the outputs; borrowed. Null stands for zeros.
   * @returns Functions that compute the gradients of the inputs.
   */
  readonly gradient?: (dys: readonly (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

/** The part of tfjs's engine that notes ops. */
interface Recorder {
  startTape(): void;
  endTape(): void;
  readonly state: { activeTape: TapeNode[] | null; readonly gradientDepth: number };
}

const recorder = () => tf.tfjsEngine() as unknown as Recorder;

/** Begins to note the ops, and returns where they are noted. */
function startTape(): readonly TapeNode[] {
  const { state } = recorder();
  if (state.gradientDepth > 0) throw new Error("Cannot compute gradients inside of gradients");
  recorder().startTape();
  return state.activeTape!;
}

function endTape(): void {
  recorder().endTape();
  recorder().state.activeTape = null;
}

/** An op on the way back, with those inputs that depend on a weight. */
interface StepBack {
  readonly node: TapeNode;
  readonly inputs: readonly (readonly [name: string, x: tf.Tensor])[];
}

/** The ops between the weights and a result, the last one first. */
function stepsBack(
  { id }: tf.Tensor,
  tape: readonly TapeNode[],
  weights: ReadonlyMap<string, tf.Variable>,
): StepBack[] {
  const fromWeights = new Set([...weights.values()].map(({ id }) => id));
  const steps: StepBack[] = [];
  for (const node of tape) {
    const inputs = Object.entries(node.inputs).filter(([, { id }]) => fromWeights.has(id));
    if (inputs.length === 0) continue;
    for (const { id } of node.outputs) fromWeights.add(id);
    steps.push({ node, inputs });
  }
  const needed = new Set([id]);
  return steps.reverse().filter(({ node, inputs }) => {
    const isNeeded = node.outputs.some(({ id }) => needed.has(id));
    if (isNeeded) { for (const [, { id }] of inputs) needed.add(id); }
    return isNeeded;
  });
}

/** The gradient of a tensor that is an input of several ops, of which some are still to come. */
interface Awaited {
  /** Inputs of ops that are the tensor, and that the way back has not come to. */
  uses: number;
  /** The gradient so far. */
  sum?: tf.Tensor;
  /** Name of the weight, if the tensor is one. */
  readonly name?: string;
}

/** Computes the gradients of a result, op by op, and frees what an op leaves. */
function goBack(
  value: tf.Scalar,
  steps: readonly StepBack[],
  weights: ReadonlyMap<string, tf.Variable>,
  done: GradientListener,
): void {
  const awaited = new Map<number, Awaited>([[value.id, { uses: 0, sum: tf.scalar(1) }]]);
  for (const [name, { id }] of weights) awaited.set(id, { name, uses: 0 });
  for (const [, { id }] of steps.flatMap(({ inputs }) => inputs)) {
    if (!awaited.has(id)) awaited.set(id, { uses: 0 });
    awaited.get(id)!.uses++;
  }
  for (const { node, inputs } of steps) {
    const dys = node.outputs.map(({ id }) => awaited.get(id)?.sum ?? null);
    const dxs = tf.tidy(() => gradientsOf(node, inputs, dys));
    // No op that is still to come needs the gradients of the outputs, or what this op saved.
    tf.dispose([...dys.filter((dy) => dy !== null), ...node.saved ?? []]);
    inputs.forEach(([, { id }], i) => {
      const input = awaited.get(id)!;
      input.sum = sumOf(input.sum, dxs[i]!);
      if (--input.uses === 0 && input.name !== undefined) {
        done(input.name, input.sum);
      }
    });
  }
}

/** The sum; its summands are freed. */
function sumOf(before: tf.Tensor | undefined, part: tf.Tensor): tf.Tensor {
  if (before === undefined) return part;
  const sum = before.add(part);
  tf.dispose([before, part]);
  return sum;
}

/**
 * The gradients of an op's inputs, each a tensor of its own.
 *
 * @throws {Error} If the op has no gradient.
 */
function gradientsOf(
  { kernelName, gradient }: TapeNode,
  inputs: StepBack["inputs"],
  dys: readonly (tf.Tensor | null)[],
): tf.Tensor[] {
  const thunks = gradient?.(dys) ?? {};
  const dxs = inputs.map(([name]) => {
    const compute = thunks[name];
    if (compute !== undefined) return compute();
    throw new Error(`Cannot compute gradients: ${kernelName} has none for its input ${name}`);
  });
  return apart(dxs, dys);
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
