/**
 * The cost of a k-NN evaluation before it begins: its memory by calculation, its time from a
 * measured slice.
 */
import { createRng } from "lib/rng.ts";
import { nearestNeighbours, searchBlocks } from "lib/eval/nearest/neighbours.ts";

/** The size of an evaluation. */
export interface KnnSize {
  /** N, number of images whose classes are known. */
  readonly bankSize: number;
  /** M, number of images to classify. */
  readonly queries: number;
  /** D. */
  readonly dim: number;
  /** Largest number of neighbours; by default 200. */
  readonly k?: number;
}

/** Bytes that the evaluation holds at once, apart from the engine and the program. */
export interface KnnMemory {
  /** Rows of the bank in work: as read, normalised, and in the engine. */
  readonly bankBlock: number;
  /** Features of the queries, as given and normalised. */
  readonly queries: number;
  /** Cosines of one block, in the engine and in JavaScript. */
  readonly cosines: number;
  /** The nearest neighbours so far, and the labels of both sets. */
  readonly results: number;
  /**
   * Blocks that are no longer used but not yet freed: the garbage collector waits until there are
   * some hundred megabytes.
   */
  readonly unfreed: number;
  /** All of these together. */
  readonly total: number;
}

/** The cost of an evaluation. */
export interface KnnPlan {
  /** The sizes that the plan is for, with the default of `k` filled in. */
  readonly size: Required<KnnSize>;
  /** Number of multiplications and additions in all products. */
  readonly operations: number;
  /** Memory with the bank in a file; a bank in memory takes `bankBytes` more. */
  readonly memory: KnnMemory;
  /** Size of the bank in float32, in its file or its array. */
  readonly bankBytes: number;
  /** Estimated from a measured speed; absent if none was given. */
  readonly seconds?: number;
}

const unfreed = 384 * 2 ** 20; // at most 336 MB were seen (knn_memory_deep_test.ts)

/**
 * Calculates what an evaluation holds in memory and how long it takes. The memory does not depend
 * on the size of the bank, apart from its labels.
 *
 * @param speed A result of {@linkcode measureKnnSpeed} with this `dim`.
 * @throws {RangeError} If a size is not a positive integer.
 *
 * @example
 * ```ts
 * import { planKnn } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { bankBytes } = planKnn({ bankSize: 1_281_167, queries: 50_000, dim: 768 });
 * assertEquals(bankBytes, 4 * 1_281_167 * 768); // ImageNet's features in a file
 * ```
 */
export function planKnn(
  { bankSize, queries, dim, k = 200 }: KnnSize,
  speed?: KnnSpeed,
): KnnPlan {
  for (const [what, value] of Object.entries({ bankSize, queries, dim, k })) {
    if (Number.isInteger(value) && value > 0) continue;
    throw new RangeError(
      `Cannot plan a k-NN: need a positive integer ${what}, current is ${value}`,
    );
  }
  const { bankRows, queryRows } = searchBlocks;
  const rows = Math.min(bankRows, bankSize);
  const memory = {
    bankBlock: 4 * 3 * rows * dim,
    queries: 4 * 2 * queries * dim,
    cosines: 4 * 2 * rows * Math.min(queryRows, queries),
    results: 4 * (2 * queries * Math.min(k, bankSize) + queries + bankSize),
    unfreed,
  };
  const total = Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
  const operations = 2 * bankSize * queries * dim;
  return {
    size: { bankSize, queries, dim, k },
    operations,
    memory: { ...memory, total },
    bankBytes: 4 * bankSize * dim,
    ...(speed ? { seconds: operations / speed.operationsPerSecond } : {}),
  };
}

/** How fast this machine searches. */
export interface KnnSpeed {
  /**
   * Multiplications and additions of the products per second of the whole search, which does other
   * work too.
   */
  readonly operationsPerSecond: number;
  /** The sizes that were measured. */
  readonly slice: Required<KnnSize>;
  /** Time for the slice. */
  readonly seconds: number;
}

/**
 * Measures a search in random features. A larger bank is searched no slower than this says: the
 * first blocks of a search cost more than later ones, which change little in the nearest so far.
 *
 * @param slice By default 65,536 rows and 2,048 queries of length 768: about a second on two cores.
 */
export async function measureKnnSpeed(
  { bankSize = 65_536, queries = 2048, dim = 768, k = 200 }: Partial<KnnSize> = {},
): Promise<KnnSpeed> {
  const bank = randomFeatures(bankSize, dim, 0);
  const probes = randomFeatures(queries, dim, 1);
  await nearestNeighbours(randomFeatures(k, dim, 0), probes, k); // the engine's first call is slower
  const started = performance.now();
  await nearestNeighbours(bank, probes, k);
  const seconds = (performance.now() - started) / 1000;
  const operations = 2 * bankSize * queries * dim;
  return {
    operationsPerSecond: operations / seconds,
    slice: { bankSize, queries, dim, k },
    seconds,
  };
}

function randomFeatures(count: number, dim: number, seed: number) {
  const rng = createRng(seed).fork("features");
  const features = new Float32Array(count * dim);
  for (let i = 0; i < features.length; i++) features[i] = rng.uniform(-1, 1);
  return { features, labels: new Int32Array(count) };
}
