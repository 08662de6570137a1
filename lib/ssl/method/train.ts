/** Training by any method, step by step. */
import { type BatchSource, type LoopOptions, trainingSteps } from "lib/train/loop.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";
import { disposeViews, microBatches, viewTensors } from "lib/ssl/views/views.ts";
import { pendingMap, readsAtOnce } from "lib/train/reading.ts";
import { StepGuard } from "lib/train/step_guard.ts";
import type { Rng } from "lib/rng.ts";
import { ownPlaces } from "lib/distributed/share.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { sourceWithEpochs } from "./epochs.ts";
import type { Method } from "./method.ts";
import { type CommonRecipe, pretrainLength } from "./recipe.ts";
import { issueStep, type StepMetrics, type Training, trainStep } from "./step.ts";

/**
 * Makes the views of images, as a `Cropper` does. A batch is valid until the next one is asked for.
 */
export type ViewSource = BatchSource<CropBatch>;

/** See {@linkcode trainByMethod}. */
export interface TrainByMethodOptions
  extends Pick<LoopOptions, "rng" | "done" | "wait" | "readsAt"> {
  readonly world?: World;
}

export interface TrainedStep extends StepMetrics {
  /** Number of steps so far, including this one. */
  readonly step: number;
  readonly lr: number;
}

/**
 * Trains from step `done` to the end, one step for each value that the caller asks for. A caller
 * that stops asking stops the run.
 *
 * The order of the images, the views and the schedules depend on the seed and the step alone. So a
 * run that was stopped and is resumed gives the same numbers as one that was never stopped.
 *
 * @param source Of the images at {@linkcode placesOf} if several processes share the batches.
 * @param options.rng The run's random stream. The source has its own stream for the views.
 * @param options.world The processes that share the batches. By default, this process alone.
 * @throws {RangeError} If several processes cannot share a batch of this method.
 */
export async function* trainByMethod(
  training: Training,
  source: ViewSource,
  recipe: CommonRecipe,
  { world = alone, ...options }: TrainByMethodOptions,
): AsyncGenerator<TrainedStep> {
  checkDivides(training.method, world);
  const length = pretrainLength(recipe, source.count);
  const { batchSize, precision, gradients } = recipe;
  if (options.done === 0) await begin(training.method, source, recipe, options.rng);
  const dropPath = options.rng.fork("drop path");
  const all = sourceWithEpochs(source, training.method, recipe, length, options.rng);
  const batches = partOf(all, placesOf(recipe, world));
  using guard = new StepGuard();
  yield* trainingSteps(batches, { ...options, length, batchSize }, (batch, step) => {
    const now = { ...length, step, precision, rng: dropPath.fork(step), world, gradients };
    const { lr } = training.method.optimizerValues(now);
    const views = viewTensors(batch, recipe.crops, batch.indices);
    try {
      if (readsAtOnce()) return { lr, ...trainStep(training, views, recipe, now) };
      const issued = issueStep(training, views, recipe, now, guard);
      return pendingMap(issued, (metrics) => ({ lr, ...metrics }));
    } finally {
      disposeViews(views);
    }
  });
}

/**
 * The places of this process's images in each batch; `undefined` if it has all of them.
 *
 * @throws {RangeError} If the processes cannot have equal shares.
 */
export function placesOf(
  { batchSize, accumulate = 1 }: Pick<CommonRecipe, "batchSize" | "accumulate">,
  world: World,
): Uint32Array | undefined {
  return world.size === 1 ? undefined : ownPlaces(microBatches(batchSize, accumulate), world);
}

/** The images at some places of each batch of a source. */
function partOf<Batch>(
  source: BatchSource<Batch>,
  places: Uint32Array | undefined,
): BatchSource<Batch> {
  if (places === undefined) return source;
  const take = (indices: Uint32Array) => places.map((place) => indices[place]!);
  return {
    count: source.count,
    next: (indices, step) => source.next(take(indices), step),
    prefetch: (indices, step) => source.prefetch(take(indices), step),
  };
}

function checkDivides({ divides = "it needs the whole batch" }: Method, { size }: World): void {
  if (size === 1 || divides === true) return;
  throw new RangeError(`Cannot train by this method with ${size} processes: ${divides}`);
}

/** What the method does before the first step. */
async function begin(
  { beginning }: Method,
  source: ViewSource,
  { crops }: CommonRecipe,
  rng: Rng,
): Promise<void> {
  if (beginning === undefined) return;
  const count = Math.min(beginning.images, source.count);
  const indices = Uint32Array.from(
    { length: count },
    (_, i) => Math.floor(i * source.count / count),
  );
  const views = viewTensors(await source.next(indices, 0), crops);
  await beginning.begin(views, rng.fork("beginning"));
  disposeViews(views);
}
