/** The verb `pretrain`: trains by DINO, or goes on with, or simply loads, one run. */
import { createRng } from "lib/rng.ts";
import { loadDinoState, saveDinoState } from "lib/ssl/dino/checkpoint.ts";
import { collapseWatch } from "lib/ssl/dino/collapse.ts";
import { createCropper } from "lib/ssl/views/cropper.ts";
import { type DinoRecipe, runLength } from "lib/ssl/dino/recipe.ts";
import { createDinoState, disposeDinoState } from "lib/ssl/dino/step.ts";
import { trainDino } from "lib/ssl/dino/train.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import { type DataSplit, openData, withoutClasses } from "lib/experiments/configs/data.ts";
import { type PretrainConfig, recipeAt, sizesAt } from "lib/experiments/configs/config.ts";
import { knnMetrics } from "lib/experiments/measure/knn_scores.ts";
import type { Learner } from "lib/experiments/runs/learner.ts";
import { heedPrecision } from "lib/experiments/runs/precision.ts";
import { recordPictures, requireSamePictures } from "lib/experiments/runs/pictures_record.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { type TrainOptions, type TrainResult, trainRun } from "lib/experiments/runs/train_run.ts";

/**
 * Trains a run to its end, from where `outputs/` has it; loads it if it is finished there, which writes nothing.
 *
 * Stops after the current step when `signal` is aborted, saves, and returns what there is: the same call goes on. A run that was
 * killed, at any moment, goes on from its newest good checkpoint to the very numbers it would have had.
 *
 * @throws {RangeError} If a loss or a gradient is not finite; the last checkpoint stands. Or if the network has nothing to compute in
 *   the recipe's precision.
 * @throws {Error} If the disk refuses, or another process is writing the run. Or if a person's own pictures have changed since the
 *   run was begun.
 */
export async function pretrain(
  config: PretrainConfig,
  options: TrainOptions,
): Promise<TrainResult> {
  const { scale, seed } = options;
  const folder = runFolder({ config, scale, seed });
  const recipe = recipeAt(config, scale);
  const sizes = sizesAt(config, scale);
  const run = {
    folder,
    description: { id: folder.id, scale, seed, ...config, recipe },
    monitorEvery: sizes.monitorEvery,
    score: "knn20Top1",
    learner: async () => {
      heedPrecision(recipe, options.onWarning ?? console.warn);
      const split = await openData(config.data, sizes, options.onWarning);
      await recordPictures(folder, { config, scale });
      return dinoLearner(recipe, split, seed);
    },
  } as const;
  if (!options.fresh) await requireSamePictures(folder, { config, scale }, options.onWarning);
  return await trainRun(run, options);
}

/** DINO on a data set's unlabelled images, watched by the teacher's k-NN. */
function dinoLearner(recipe: DinoRecipe, data: DataSplit, seed: number): Learner {
  const { batchSize, crops, head, warmupShare } = recipe;
  const rng = createRng(seed);
  const { totalSteps } = runLength(recipe, imageCount(data.pretrain));
  const state = createDinoState(recipe.model, head, rng.fork("init"));
  const noClasses = withoutClasses(data);
  const collapse = collapseWatch({
    outDim: head.outDim,
    warmupSteps: Math.round(warmupShare * totalSteps),
  });
  return {
    batchSize,
    totalSteps,
    ...(noClasses && { unmonitored: `No k-NN is measured on the way: ${noClasses}` }),
    async *train(done, batch) {
      using cropper = createCropper(data.pretrain, crops, { rng: rng.fork("crops") });
      const views = {
        count: cropper.count,
        prefetch: cropper.prefetch,
        next: (indices: Uint32Array, step: number) => batch(cropper.next(indices, step)),
      };
      yield* trainDino(state, views, recipe, { rng, done });
    },
    measure: (pause) => knnMetrics(state.teacher.model, data, crops, pause),
    alarms({ step, metrics: { teacherEntropy, kl, featureStd } }) {
      if (teacherEntropy === undefined || kl === undefined || featureStd === undefined) return [];
      return collapse(step, { teacherEntropy, kl, featureStd });
    },
    save: (path, step) => saveDinoState(path, state, step),
    load: (path) => loadDinoState(path, state),
    [Symbol.dispose]: () => disposeDinoState(state),
  };
}
