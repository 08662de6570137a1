/** Training by any method, step by step. */
import * as tf from "lib/tf.ts";
import { type BatchSource, type LoopOptions, trainingSteps } from "lib/train/loop.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";
import { viewTensors } from "lib/ssl/views/views.ts";
import { type CommonRecipe, pretrainLength } from "./recipe.ts";
import { type StepMetrics, type Training, trainStep } from "./step.ts";

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
export function trainByMethod(
  training: Training,
  source: ViewSource,
  recipe: CommonRecipe,
  options: Pick<LoopOptions, "rng" | "done" | "wait">,
): AsyncGenerator<TrainedStep> {
  const length = pretrainLength(recipe, source.count);
  const { batchSize, precision } = recipe;
  const dropPath = options.rng.fork("drop path");
  return trainingSteps(source, { ...options, length, batchSize }, (batch, step) => {
    const now = { ...length, step, precision, rng: dropPath.fork(step) };
    const { lr } = training.method.optimizerValues(now);
    const views = viewTensors(batch, recipe.crops);
    try {
      return { lr, ...trainStep(training, views, recipe, now) };
    } finally {
      tf.dispose([views.global, views.local ?? []]);
    }
  });
}
