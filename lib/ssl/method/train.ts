/** Training by any method, step by step. */
import { type BatchSource, type LoopOptions, trainingSteps } from "lib/train/loop.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";
import { disposeViews, viewTensors } from "lib/ssl/views/views.ts";
import { pendingMap, readsAtOnce } from "lib/train/reading.ts";
import { StepGuard } from "lib/train/step_guard.ts";
import type { Rng } from "lib/rng.ts";
import { sourceWithEpochs } from "./epochs.ts";
import type { Method } from "./method.ts";
import { type CommonRecipe, pretrainLength } from "./recipe.ts";
import { issueStep, type StepMetrics, type Training, trainStep } from "./step.ts";

/**
 * Makes the views of images, as a `Cropper` does. A batch is valid until the next one is asked for.
 */
export type ViewSource = BatchSource<CropBatch>;

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
 * @param options.rng The run's random stream. The source has its own stream for the views.
 */
export async function* trainByMethod(
  training: Training,
  source: ViewSource,
  recipe: CommonRecipe,
  options: Pick<LoopOptions, "rng" | "done" | "wait" | "readsAt">,
): AsyncGenerator<TrainedStep> {
  const length = pretrainLength(recipe, source.count);
  const { batchSize, precision } = recipe;
  if (options.done === 0) await begin(training.method, source, recipe, options.rng);
  const dropPath = options.rng.fork("drop path");
  const batches = sourceWithEpochs(source, training.method, recipe, length, options.rng);
  using guard = new StepGuard();
  yield* trainingSteps(batches, { ...options, length, batchSize }, (batch, step) => {
    const now = { ...length, step, precision, rng: dropPath.fork(step) };
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
