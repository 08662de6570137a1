/** A run of any method, step by step. */
import * as tf from "lib/tf.ts";
import { type BatchSource, type LoopOptions, trainingSteps } from "lib/train/loop.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";
import { viewTensors } from "lib/ssl/views/views.ts";
import { type CommonRecipe, pretrainLength } from "./recipe.ts";
import { type StepMetrics, type Training, trainStep } from "./step.ts";

/**
 * Makes the views of images; a `Cropper` is one. A batch is lent until the next one is asked for.
 */
export type ViewSource = BatchSource<CropBatch>;

export interface TrainedStep extends StepMetrics {
  /** Steps done, this one included. */
  readonly step: number;
  readonly lr: number;
}

/**
 * Trains from step `done` to the end, one step at a time: a caller that stops asking stops the run.
 *
 * Order, views and schedules are functions of the seed and the step alone, so a run that was
 * stopped goes on with the numbers it would have had.
 *
 * @param options.rng The run's stream. The source has a stream of its own for the views.
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
