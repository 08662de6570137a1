/** What a k-NN evaluation will cost, before it is begun: memory by a sum, time from a measured slice. */
import { createRng } from "lib/rng.ts";
import { nearestNeighbours, searchBlocks } from "lib/eval/nearest/neighbours.ts";

/** The size of an evaluation. */
export interface KnnSize {
  /** N, images whose classes are known. */
  readonly bankSize: number;
  /** M, images to classify. */
  readonly queries: number;
  /** D. */
  readonly dim: number;
  /** Most neighbours of a query; by default 200. */
  readonly k?: number;
}

/** Bytes that are held at once, the engine and the program aside. */
export interface KnnMemory {
  /** The bank's rows at hand: as read, normalised, and as the engine holds them. */
  readonly bankBlock: number;
  /** The queries' features, as given and normalised. */
  readonly queries: number;
  /** Cosines of one block, in the engine and out of it. */
  readonly cosines: number;
  /** The nearest so far, and both sets' labels. */
  readonly results: number;
  /** Blocks that are done with and not yet freed: the garbage collector waits for some hundred megabytes of them. */
  readonly unfreed: number;
  readonly total: number;
}

/** The cost of an evaluation. */
export interface KnnPlan {
  readonly size: Required<KnnSize>;
  /** Multiplications and additions of all products. */
  readonly operations: number;
  /** With the bank in a file; one in memory takes `bankBytes` more. */
  readonly memory: KnnMemory;
  /** The bank's own size, float32: its file's, or its array's. */
  readonly bankBytes: number;
  /** Estimated from the speed that was given; without one, absent. */
  readonly seconds?: number;
}

const unfreed = 384 * 2 ** 20; // at most 336 MB were seen (knn_memory_slow_test.ts)

/**
 * What an evaluation holds in memory, which does not depend on the bank but for its labels, and how long it takes.
 *
 * @param speed Of {@linkcode measureKnnSpeed}, at this `dim`.
 * @throws {RangeError} If a size is not a positive integer.
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
  /** Multiplications and additions of the whole search, which does more than these. */
  readonly operationsPerSecond: number;
  /** What was measured. */
  readonly slice: Required<KnnSize>;
  /** Of the slice. */
  readonly seconds: number;
}

/**
 * Measures a slice of random features. A larger bank is, if anything, faster than this says: the first blocks of a search
 * cost more than the later ones, which have little to add to the nearest so far.
 *
 * @param slice By default 65,536 rows and 2,048 queries of length 768: a second or so on two cores.
 */
export function measureKnnSpeed(
  { bankSize = 65_536, queries = 2048, dim = 768, k = 200 }: Partial<KnnSize> = {},
): KnnSpeed {
  const bank = randomFeatures(bankSize, dim, 0);
  const probes = randomFeatures(queries, dim, 1);
  nearestNeighbours(randomFeatures(k, dim, 0), probes, k); // the engine's first call is slower
  const started = performance.now();
  nearestNeighbours(bank, probes, k);
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
