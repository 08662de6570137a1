/** The training loop. */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { type DinoRecipe, runLength, stepValues } from "./recipe.ts";
import { type DinoState, dinoStep, type StepMetrics } from "./step.ts";
import type { Views } from "lib/ssl/views/views.ts";

/** Makes the views of some images at a step, those of the next steps ahead of time; a `Cropper` is one. */
export interface ViewSource {
  readonly count: number;
  /** The views, lent until the next call. */
  next(indices: Uint32Array, step: number): Promise<CropBatch>;
  /** May be told of a step more than once. */
  prefetch(indices: Uint32Array, step: number): void;
}

export interface TrainedStep extends StepMetrics {
  /** Steps done, this one included. */
  readonly step: number;
  readonly lr: number;
}

/**
 * Trains from step `done` to the end, one step at a time: stop asking and it stops.
 *
 * Order, views and schedules are functions of the seed and the step alone, so a run that was stopped goes on with the
 * numbers it would have had.
 *
 * @param rng The run's stream; the views' own is the source's business.
 * @param done Steps the state has taken already.
 */
export async function* trainDino(
  state: DinoState,
  views: ViewSource,
  recipe: DinoRecipe,
  { rng, done }: { readonly rng: Rng; readonly done: number },
): AsyncGenerator<TrainedStep> {
  const length = runLength(recipe, views.count);
  const images = (step: number) => {
    const order = epochOrder(rng, Math.floor(step / length.stepsPerEpoch), views.count);
    const first = (step % length.stepsPerEpoch) * recipe.batchSize;
    return order.subarray(first, first + recipe.batchSize);
  };
  for (let step = done; step < length.totalSteps; step++) {
    const crops = await views.next(images(step), step);
    // Two steps ahead: a step blocks this thread, and threads that were done with one batch would wait for the next.
    for (let later = step + 1; later < Math.min(step + 3, length.totalSteps); later++) {
      views.prefetch(images(later), later);
    }
    const now = stepValues(recipe, step, length);
    const tensors = toTensors(crops, recipe.crops);
    try {
      const metrics = dinoStep(state, tensors, now, rng.fork("drop path").fork(step));
      yield { step: step + 1, lr: now.lr, ...metrics };
    } finally {
      tf.dispose([tensors.global, tensors.local ?? []]);
    }
  }
}

let lastOrder: { key: string; order: Uint32Array } | undefined; // one epoch's order serves all of its steps

function epochOrder(rng: Rng, epoch: number, count: number): Uint32Array {
  const stream = rng.fork("order").fork(epoch);
  const key = `${stream.path} ${count}`;
  if (lastOrder?.key !== key) lastOrder = { key, order: stream.permutation(count) };
  return lastOrder.order;
}

function toTensors(batch: CropBatch, recipe: CropRecipe): Views {
  const { globalSize: G, localSize: L, localCrops } = recipe;
  const local = localCrops > 0
    ? tf.tensor4d(batch.local, [localCrops * batch.images, L, L, 3])
    : null;
  return { global: tf.tensor4d(batch.global, [2 * batch.images, G, G, 3]), local };
}
