/**
 * Exact search for the nearest rows of a bank of any size, by cosine, in bounded memory.
 *
 * N rows in the bank, M queries, D features.
 */
import * as tf from "lib/tf.ts";
import {
  bankOf,
  type FeatureBank,
  type LabelledFeatures,
  writeUnitRows,
} from "lib/eval/features/feature_bank.ts";
import { NearestSoFar, type Neighbours } from "lib/eval/nearest/nearest_so_far.ts";

export type { Neighbours } from "lib/eval/nearest/nearest_so_far.ts";

/** How much is compared at once; nothing but time and memory depends on it. */
export interface SearchBlocks {
  /** Rows of the bank, read and normalised together. */
  readonly bankRows?: number;
  /** Queries multiplied with them at a time. */
  readonly queryRows?: number;
}

/** Small enough for the cosines of a block to stay in the cache while they are looked through. */
export const searchBlocks = { bankRows: 8192, queryRows: 256 };

/**
 * The `k` rows of largest cosine for each query.
 *
 * @throws {RangeError} If a set is empty, rows and labels differ in number, the lengths of the features differ, or the bank
 *   has fewer than `k` rows.
 */
export function nearestNeighbours(
  bank: LabelledFeatures | FeatureBank,
  queries: LabelledFeatures | FeatureBank,
  k: number,
  blocks: SearchBlocks = {},
): Neighbours {
  const search = searchNeighbours(bank, queries, k, blocks);
  for (let step = search.next();; step = search.next()) if (step.done) return step.value;
}

/**
 * {@linkcode nearestNeighbours} a block at a time: yields the fraction done some times a second, so that the caller can
 * pause, or stop by asking for no more.
 *
 * The bank is read once, in order. Each row's cosine with each query is a float32 product of unit vectors; rows of equal
 * cosine are ranked by their place in the bank.
 */
export function* searchNeighbours(
  bank: LabelledFeatures | FeatureBank,
  queries: LabelledFeatures | FeatureBank,
  k: number,
  { bankRows = searchBlocks.bankRows, queryRows = searchBlocks.queryRows }: SearchBlocks = {},
): Generator<number, Neighbours> {
  const [train, test] = [bankOf(bank, "training"), bankOf(queries, "test")];
  const [total, count] = [train.labels.length, test.labels.length];
  check(train, test, k);
  const { dim } = train;
  const units = new Float32Array(count * dim);
  for (let from = 0; from < count; from += queryRows) {
    const to = Math.min(from + queryRows, count);
    writeUnitRows(test.rows(from, to), dim, units.subarray(from * dim, to * dim));
  }
  const nearest = new NearestSoFar(count, k);
  const block = new Float32Array(Math.min(bankRows, total) * dim);
  for (let start = 0; start < total; start += bankRows) {
    const end = Math.min(start + bankRows, total);
    const rows = block.subarray(0, (end - start) * dim);
    writeUnitRows(train.rows(start, end), dim, rows);
    const unitBank = tf.tensor2d(rows, [end - start, dim]);
    try {
      for (let from = 0; from < count; from += queryRows) {
        const to = Math.min(from + queryRows, count);
        const cosines = cosinesOf(units.subarray(from * dim, to * dim), unitBank);
        for (let query = from; query < to; query++) {
          nearest.offer(query, cosines, (query - from) * (end - start), end - start, start);
        }
        yield (start * count + to * (end - start)) / (total * count);
      }
    } finally {
      unitBank.dispose();
    }
  }
  return nearest.sorted();
}

function cosinesOf(units: Float32Array, bank: tf.Tensor2D): Float32Array {
  const dim = bank.shape[1];
  const product = tf.tidy(() =>
    tf.matMul(tf.tensor2d(units, [units.length / dim, dim]), bank, false, true)
  ); // [queries, rows]
  const cosines = product.dataSync<"float32">(); // not out of the tidy, which would look into each element
  product.dispose();
  return cosines;
}

function check(train: FeatureBank, test: FeatureBank, k: number): void {
  if (train.dim !== test.dim) {
    throw new RangeError(
      `Cannot compare features of length ${train.dim} with features of ${test.dim}`,
    );
  }
  if (!(Number.isInteger(k) && k >= 1 && k <= train.labels.length)) {
    throw new RangeError(
      `Cannot take ${k} neighbours: need 1 to ${train.labels.length}, the rows of the bank`,
    );
  }
}
