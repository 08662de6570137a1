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
import { takeValues } from "lib/train/reading.ts";
import { NearestSoFar, type Neighbours } from "lib/eval/nearest/nearest_so_far.ts";

export type { Neighbours } from "lib/eval/nearest/nearest_so_far.ts";

/** How much is compared at a time. It affects time and memory, not the result. */
export interface SearchBlocks {
  /** Rows of the bank to read and normalise together. */
  readonly bankRows?: number;
  /** Queries to multiply with them at a time. */
  readonly queryRows?: number;
}

/**
 * Default blocks: small enough for their cosines to stay in the processor's cache until they are
 * ranked.
 */
export const searchBlocks = { bankRows: 8192, queryRows: 256 };

/**
 * Finds the `k` rows with the largest cosine for each query.
 *
 * @throws {RangeError} If a set is empty, rows and labels differ in number, features differ in
 *   length, or the bank has fewer than `k` rows.
 */
export async function nearestNeighbours(
  bank: LabelledFeatures | FeatureBank,
  queries: LabelledFeatures | FeatureBank,
  k: number,
  blocks: SearchBlocks = {},
): Promise<Neighbours> {
  const search = searchNeighbours(bank, queries, k, blocks);
  for (let step = await search.next();; step = await search.next()) {
    if (step.done) return step.value;
  }
}

/**
 * {@linkcode nearestNeighbours} one block at a time. It yields the fraction done several times a
 * second, so that the caller can pause, or stop by asking for no more.
 *
 * The bank is read once, in order. The cosine of a row with a query is a float32 product of unit
 * vectors; rows of equal cosine are ranked by their place in the bank.
 */
export async function* searchNeighbours(
  bank: LabelledFeatures | FeatureBank,
  queries: LabelledFeatures | FeatureBank,
  k: number,
  { bankRows = searchBlocks.bankRows, queryRows = searchBlocks.queryRows }: SearchBlocks = {},
): AsyncGenerator<number, Neighbours> {
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
        const cosines = await cosinesOf(units.subarray(from * dim, to * dim), unitBank);
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

/** @returns `[queries, rows]` */
function cosinesOf(units: Float32Array, bank: tf.Tensor2D): Promise<Float32Array> {
  const dim = bank.shape[1];
  const product = tf.tidy(() =>
    tf.matMul(tf.tensor2d(units, [units.length / dim, dim]), bank, false, true)
  );
  return takeValues(product);
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
