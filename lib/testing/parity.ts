/**
 * Compares training with an oracle's. Each array is compared by a probe: one number that depends on
 * every element. `probe` of `lib/ssl/dino/golden/parity.py` computes the same.
 */
import type * as tf from "lib/tf.ts";
import { layoutOf, toTorchOrder } from "lib/nn/layout.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import type { ViewSource } from "lib/ssl/method/train.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { assertEquals, assertTrue } from "./assert.ts";
import { formula, type FormulaCrops, formulaCrops } from "./formula.ts";

/** Probes by the names of arrays. */
export type Probes = Readonly<Record<string, number>>;

/** Values in PyTorch's order of axes; a moment has that of its weight. */
function valuesOf(tensor: tf.Tensor, weight: tf.Variable): Float32Array {
  const ordered = toTorchOrder(tensor, layoutOf(weight));
  const values = ordered.dataSync<"float32">().slice();
  ordered.dispose();
  return values;
}

const directions = new Map<string, Float32Array>();

/** The vector that the script's `probe` multiplies an array by. */
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

/** The script's `probe` of an array, and the typical size of a probe of such an array. */
function probe(name: string, values: Float32Array): { value: number; size: number } {
  const direction = directionOf(name, values.length);
  let [value, square] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    value += direction[i]! * values[i]!;
    square += values[i]! ** 2;
  }
  return { value, size: Math.sqrt(square / 3) }; // elements of the direction are uniform in [−1, 1)
}

/** All values of a tree, in PyTorch's order. */
export function torchValues(params: object): Map<string, Float32Array> {
  return new Map(
    [...namedVariables(params)].map(([name, weight]) => [name, valuesOf(weight, weight)]),
  );
}

/**
 * Compares how far every weight has come. The tolerance is 1e-4 of that way, plus 1e-6 of the
 * weight for rounding errors.
 *
 * @param first The result of {@linkcode torchValues} before the first step.
 * @param expected Probes of the changes of all weights, in the order of `names`.
 * @param options.isIdle Whether a weight's gradient is 0 up to rounding. By default, none is.
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
    // A NaN fails too.
    assertTrue(gap <= allowed, `${step}, ${name}: ${way.value} is not ${expected[i]}`);
  });
}

/** Compares the probes of arrays that have the axes of `weight`. */
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

/** Sizes of the batches that a script of an oracle makes. */
export interface GoldenBatches {
  /** Prefix of the names from which the formula makes the images. */
  readonly images: string;
  readonly batch: number;
  /** Pixels a side. */
  readonly size: number;
  readonly stepsPerEpoch: number;
}

/**
 * The two views of every image that the scripts of methods without local crops make: the views of an
 * image have one colour in common.
 */
export function formulaViews({ images, batch, stepsPerEpoch, size }: GoldenBatches): ViewSource {
  return {
    count: batch * stepsPerEpoch,
    prefetch() {},
    next(_, step) {
      const colours = formula(`${images} colour ${step}`, batch * 3);
      const noise = formula(`${images} view ${step}`, 2 * batch * size * size * 3);
      const global = noise.map((value, i) => {
        const image = Math.floor(i / (size * size * 3)) % batch;
        return colours[image * 3 + i % 3]! + 0.5 * value;
      });
      return Promise.resolve({ images: batch, global, local: new Float32Array(0) });
    },
  };
}

/** The crops that the scripts of DINO, EsViT and SwAV make, as {@linkcode formulaCrops} does. */
export function formulaCropViews(
  golden: FormulaCrops & { readonly stepsPerEpoch: number },
): ViewSource {
  return {
    count: golden.batch * golden.stepsPerEpoch,
    prefetch() {},
    next: (_, step) => Promise.resolve(formulaCrops(golden, step)),
  };
}

/**
 * {@linkcode assertWays}, of all weights but those whose gradient is 0 up to rounding: AdamW
 * divides such a rounding error by its own size.
 */
export function assertWaysButIdle(
  params: object,
  first: ReadonlyMap<string, Float32Array>,
  names: readonly string[],
  expected: readonly number[],
  { step, isIdle }: { readonly step: string; readonly isIdle: (name: string) => boolean },
): void {
  const compared = names.map((name, i) => ({ name, way: expected[i]! }))
    .filter(({ name }) => !isIdle(name));
  const ways = compared.map(({ way }) => way);
  assertWays(params, first, compared.map(({ name }) => name), ways, { step });
}

/**
 * Compares the optimiser's state of each weight at the end of a run, but for idle weights.
 *
 * @param expected Probes by the name of the weight and the role of the tensor: `m`.
 */
export function assertKept(
  params: object,
  optimizer: OptimizerState,
  expected: Readonly<Record<string, Probes>>,
  isIdle: (name: string) => boolean = () => false,
): void {
  const weights = namedVariables(params);
  assertEquals([...optimizer.keys()].sort(), Object.keys(expected).sort());
  for (const [name, { tensors }] of optimizer) {
    assertEquals(Object.keys(tensors), Object.keys(expected[name]!));
    for (const [role, tensor] of Object.entries(tensors)) {
      if (isIdle(name)) continue;
      assertProbes(name, tensor, weights.get(name)!, expected[name]![role]!, role);
    }
  }
}

/** Compares BatchNorm's running statistics at the end of a run, but for idle ones. */
export function assertStatistics(
  params: object,
  expected: Probes,
  isIdle: (name: string) => boolean = () => false,
  what = "statistics",
): void {
  const variables = namedVariables(params);
  for (const [name, value] of Object.entries(expected)) {
    if (isIdle(name)) continue;
    assertProbes(name, variables.get(name)!, variables.get(name)!, value, what);
  }
}
