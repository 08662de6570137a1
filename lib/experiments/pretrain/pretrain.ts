/**
 * The verb `pretrain`: trains one run without labels, resumes it, or loads it if it is finished.
 */
import { createRng } from "lib/rng.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { loadTraining, saveTraining } from "lib/ssl/method/checkpoint.ts";
import { firstWeights } from "lib/ssl/method/network.ts";
import { pretrainLength, warmupSteps } from "lib/ssl/method/recipe.ts";
import type { Training } from "lib/ssl/method/step.ts";
import { placesOf, trainByMethod } from "lib/ssl/method/train.ts";
import { createMethod, isEvaluated, type Recipe } from "lib/ssl/methods.ts";
import { createCropper } from "lib/ssl/views/cropper.ts";
import { disposeOptimizer } from "lib/train/optimizer_state.ts";
import { saveHalfState } from "lib/weights/training_state.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import { type DataSplit, openData, withoutClasses } from "lib/experiments/configs/data.ts";
import { type PretrainConfig, recipeAt, sizesAt } from "lib/experiments/configs/config.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { helpWithBanks } from "lib/experiments/measure/feature_banks.ts";
import { monitorMetrics } from "lib/experiments/measure/monitor_metrics.ts";
import type { Learner } from "lib/experiments/runs/learner.ts";
import { heedPrecision } from "lib/experiments/runs/precision.ts";
import {
  hasSamePictures,
  recordPictures,
  requireSamePictures,
} from "lib/experiments/runs/pictures_record.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { type TrainOptions, type TrainResult, trainRun } from "lib/experiments/runs/train_run.ts";

/**
 * Trains a run to its end, from its newest checkpoint in `outputs/`. If it is finished there, or
 * comes with the project and is not trained here, only loads it and writes nothing. On the way it
 * keeps four snapshots of the network that is evaluated: see `snapshots`.
 *
 * When `signal` is aborted, the run stops after the current step, saves and returns what it has;
 * the same call resumes it. A run that was killed at any moment resumes from its newest good
 * checkpoint, and gives the same numbers as one that was never killed.
 *
 * @throws {RangeError} If a loss or a gradient is not finite; the last checkpoint stays. Also if
 *   the network has no layers that compute in the recipe's precision.
 * @throws {Error} If the disk refuses, if another process is writing the run, or if a person's own
 *   pictures have changed since the run began.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * // Some seconds: 256 images of clothes, 16 steps.
 * const result = await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * assertEquals([result.step, result.finished], [16, true]);
 * console.log(result.run, result.history.at(-1)!.metrics);
 *
 * // The same call loads what `outputs/` now holds.
 * assertEquals(await pretrain(bcSslStart, { scale: "smoke", seed: 0 }), result);
 * ```
 */
export async function pretrain(
  config: PretrainConfig,
  options: TrainOptions,
): Promise<TrainResult> {
  const { scale, seed, world = alone } = options;
  const folder = runFolder({ config, scale, seed });
  const recipe = recipeAt(config, scale);
  const sizes = sizesAt(config, scale);
  const run = {
    folder,
    description: { id: folder.id, scale, seed, ...config, recipe },
    monitorEvery: sizes.monitorEvery,
    score: "knn20Top1",
    divides: true,
    hasSameData: () => hasSamePictures(folder, { config, scale }),
    learner: async () => {
      heedPrecision(recipe, options.onWarning ?? console.warn);
      const split = await openData(config.data, sizes, options.onWarning);
      if (world.rank === 0) await recordPictures(folder, { config, scale });
      return methodLearner(recipe, split, seed, world);
    },
  } as const;
  if (!options.fresh) await requireSamePictures(folder, { config, scale }, options.onWarning);
  return await trainRun(run, options);
}

/**
 * Creates the learner of a method: it trains on the unlabelled images, and its monitor measures the
 * features of the network that is kept after training.
 */
function methodLearner(recipe: Recipe, data: DataSplit, seed: number, world: World): Learner {
  const rng = createRng(seed);
  const count = imageCount(data.pretrain);
  const { totalSteps } = pretrainLength(recipe, count);
  const method = createMethod(recipe, firstWeights(rng), count);
  const training: Training = { method, optimizer: new Map() };
  const places = placesOf(recipe, world);
  const noClasses = withoutClasses(data);
  const evaluated = isEvaluated(recipe);
  const evaluatedState = new Map([...method.state].filter(([name]) => evaluated(name)));
  return {
    state: method.state,
    batchSize: recipe.batchSize,
    totalSteps,
    ...(noClasses && { unmonitored: `No k-NN is measured on the way: ${noClasses}` }),
    async *train(done, wait, readsAt) {
      using cropper = createCropper(data.pretrain, recipe.crops, {
        rng: rng.fork("crops"),
        places,
      });
      yield* trainByMethod(training, cropper, recipe, { rng, done, wait, readsAt, world });
    },
    measure: (pause) => monitorMetrics(method.evaluated, data, recipe.crops, pause, world),
    helpToMeasure: () => helpWithBanks(pooledFeatures(method.evaluated), data, recipe.crops, world),
    alarms: alarmWatch(method.alarms, warmupSteps(recipe, totalSteps)),
    save: (path, step) => saveTraining(path, training, step),
    snapshot: (path, step) => saveHalfState(path, evaluatedState, step),
    load: (path) => loadTraining(path, training),
    [Symbol.dispose]() {
      method[Symbol.dispose]();
      disposeOptimizer(training.optimizer);
    },
  };
}
