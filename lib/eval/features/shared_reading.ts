/**
 * Features that several processes read together: each computes every W-th batch, so that a batch has
 * the features, to the bit, that one process computes for it. N images, D features, W processes.
 */
import * as tf from "lib/tf.ts";
import { allOrNone, numberOfFirst } from "lib/distributed/agree.ts";
import type { World } from "lib/distributed/world.ts";
import type { LabelledFeatures } from "lib/eval/features/feature_bank.ts";
import { takeValues } from "lib/train/reading.ts";

/** The features of a batch. */
export interface FeaturePart extends LabelledFeatures {
  /** D. */
  readonly dim: number;
}

/**
 * Joins the batches of all processes, in the order of the images. All call it at the same time.
 *
 * @param own This process's batches: those whose numbers leave `rank` when divided by W.
 * @param images N.
 * @param batchSize Images of every batch but the last.
 * @param pause Awaited after each batch. What it throws in one process ends the reading in all.
 * @throws {StoppedElsewhereError} If a batch or a pause fails in another process.
 */
export async function* joinParts(
  own: AsyncIterator<FeaturePart>,
  { images, batchSize }: { readonly images: number; readonly batchSize: number },
  pause: () => Promise<void>,
  world: World,
): AsyncGenerator<FeaturePart> {
  for (let from = 0; from < images; from += world.size * batchSize) {
    let part: FeaturePart | undefined; // at the end, some processes have none
    await allOrNone(world, async () => {
      const next = await own.next();
      if (!next.done) part = next.value;
      await pause();
    });
    const dim = numberOfFirst(world, part?.dim ?? 0);
    const rows = Math.min(batchSize, images - from);
    const table = paddedTable(part, rows, dim);
    const all = (await takeValues(tf.tidy(() => world.gather(table)))) as Float32Array;
    table.dispose();
    for (let rank = 0; rank < world.size; rank++) {
      const count = Math.min(batchSize, images - from - rank * batchSize);
      if (count > 0) yield partOf(all.subarray(rank * rows * (dim + 1)), count, dim);
    }
  }
}

/** Features with their labels as a last column, and rows of zeros at the end: `[rows, D + 1]`. */
function paddedTable(part: FeaturePart | undefined, rows: number, dim: number): tf.Tensor2D {
  const table = new Float32Array(rows * (dim + 1));
  part?.labels.forEach((label, row) => {
    table.set(part.features.subarray(row * dim, (row + 1) * dim), row * (dim + 1));
    table[row * (dim + 1) + dim] = label; // exact below 2²⁴
  });
  return tf.tensor2d(table, [rows, dim + 1]);
}

/** The first rows of such a table. */
function partOf(table: Float32Array, count: number, dim: number): FeaturePart {
  const features = new Float32Array(count * dim);
  const labels = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    const at = row * (dim + 1);
    features.set(table.subarray(at, at + dim), row * dim);
    labels[row] = table[at + dim]!;
  }
  return { features, labels, dim };
}
