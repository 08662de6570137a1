/**
 * Training runs beside an oracle's: each array is compared by a probe, one number that every
 * element counts in. The same as `probe` of `lib/ssl/dino/golden/parity.py`.
 */
import type * as tf from "lib/tf.ts";
import { layoutOf, toTorchOrder } from "lib/nn/layout.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { assertTrue } from "./assert.ts";
import { formula } from "./formula.ts";

/** Probes by the names of arrays. */
export type Probes = Readonly<Record<string, number>>;

/** Values in PyTorch's order; a moment lies as its weight does. */
function valuesOf(tensor: tf.Tensor, weight: tf.Variable): Float32Array {
  const ordered = toTorchOrder(tensor, layoutOf(weight));
  const values = ordered.dataSync<"float32">().slice();
  ordered.dispose();
  return values;
}

const directions = new Map<string, Float32Array>();

/** The direction of the script's `probe`. */
function directionOf(name: string, length: number): Float32Array {
  const key = `${name} ${length}`;
  let direction = directions.get(key);
  if (direction === undefined) {
    direction = formula(`probe ${name}`, length);
    if (name.endsWith("attn.qkv.bias")) direction.fill(0, length / 3, 2 * length / 3); // the keys'
    directions.set(key, direction);
  }
  return direction;
}

/** The script's `probe`, and the value to be expected of any array of this length. */
function probe(name: string, values: Float32Array): { value: number; size: number } {
  const direction = directionOf(name, values.length);
  let [value, square] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    value += direction[i]! * values[i]!;
    square += values[i]! ** 2;
  }
  return { value, size: Math.sqrt(square / 3) }; // the direction's elements are uniform in [−1, 1)
}

/** All values of a tree, in PyTorch's order. */
export function torchValues(params: object): Map<string, Float32Array> {
  return new Map(
    [...namedVariables(params)].map(([name, weight]) => [name, valuesOf(weight, weight)]),
  );
}

/**
 * Asserts how far every weight has come: to 1e-4 of its way, and to a weight's own precision after
 * so many sums, 1e-6 of it.
 *
 * @param first What {@linkcode torchValues} was before the first step.
 * @param expected Probes of the ways, in the order of `names`.
 * @param options.isIdle Weights that have no gradient but a rounding error. By default, none.
 */
export function assertWays(
  params: object,
  first: ReadonlyMap<string, Float32Array>,
  names: readonly string[],
  expected: readonly number[],
  { step, isIdle = () => false }: {
    readonly step: string;
    readonly isIdle?: (name: string) => boolean;
  },
): void {
  const variables = namedVariables(params);
  names.forEach((name, i) => {
    const before = first.get(name)!;
    const now = valuesOf(variables.get(name)!, variables.get(name)!);
    const way = probe(name, now.map((value, j) => value - before[j]!));
    const { size } = probe(name, now);
    const allowed = isIdle(name) ? 1e-5 * size : 1e-4 * way.size + 1e-6 * size;
    const gap = Math.abs(way.value - expected[i]!);
    assertTrue(gap <= allowed, `${step}, ${name}: ${way.value} is not ${expected[i]}`); // NaN is no gap either
  });
}

/** Asserts the probe of an array that lies as `weight` does. */
export function assertProbes(
  name: string,
  tensor: tf.Tensor,
  weight: tf.Variable,
  expected: number,
  what: string,
): void {
  const { value, size } = probe(name, valuesOf(tensor, weight));
  const close = Math.abs(value - expected) <= 1e-4 * size;
  assertTrue(close, `${what} of ${name}: ${value} is not ${expected}`);
}
