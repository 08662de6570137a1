/** Lets a method act before each epoch, and says which images a batch has. */
import type { Rng } from "lib/rng.ts";
import { faultPoint } from "lib/runs/fault_points.ts";
import { epochOrders } from "lib/train/epoch_orders.ts";
import type { BatchSource, RunLength } from "lib/train/loop.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";
import { disposeViews, type Views, viewTensors } from "lib/ssl/views/views.ts";
import type { EpochStart, Method } from "./method.ts";
import type { CommonRecipe } from "./recipe.ts";

/** The views of a batch, and which images they are. */
export interface IndexedBatch extends CropBatch {
  readonly indices: Uint32Array;
}

/**
 * The batches of a source, with the places of their images in the data set. Before the first batch
 * of an epoch it calls `method.beforeEpoch`.
 *
 * @param rng The run's random stream.
 */
export function sourceWithEpochs(
  source: BatchSource<CropBatch>,
  method: Method,
  recipe: CommonRecipe,
  length: RunLength,
  rng: Rng,
): BatchSource<IndexedBatch> {
  const { stepsPerEpoch } = length;
  const begin = async (step: number) => {
    if (method.beforeEpoch === undefined || step % stepsPerEpoch !== 0) return;
    const epoch = step / stepsPerEpoch;
    const views = () => otherViews(source, recipe, length, rng, step);
    faultPoint("epoch begun");
    await method.beforeEpoch(
      {
        ...length,
        step,
        epoch,
        rng: rng.fork("before epoch").fork(epoch),
        precision: recipe.precision,
        views,
      } satisfies EpochStart,
    );
    faultPoint("epoch prepared");
  };
  return {
    count: source.count,
    prefetch: (indices, step) => source.prefetch(indices, step),
    async next(indices, step) {
      await begin(step);
      return { ...await source.next(indices, step), indices };
    },
  };
}

/**
 * The batches of the epoch that begins at `step`, in its order. Their views are those of steps after
 * the run's end, which nothing trains on.
 */
async function* otherViews(
  source: BatchSource<CropBatch>,
  { batchSize, crops }: CommonRecipe,
  { stepsPerEpoch, totalSteps }: RunLength,
  rng: Rng,
  step: number,
): AsyncGenerator<Views> {
  const indicesOf = epochOrders(rng.fork("order"), source.count, { stepsPerEpoch, batchSize });
  const end = step + stepsPerEpoch;
  for (let at = step; at < end; at++) {
    const indices = indicesOf(at);
    const batch = await source.next(indices, totalSteps + at);
    if (at + 1 < end) source.prefetch(indicesOf(at + 1), totalSteps + at + 1);
    const views = viewTensors(batch, crops, indices);
    try {
      yield views;
    } finally {
      disposeViews(views);
    }
  }
}
