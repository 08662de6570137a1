/**
 * The verb `supervised`: trains the network of a run with labels, on the same images and for as
 * many steps.
 */
import type * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { openLabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import { type Accuracy, accuracyOf } from "lib/eval/nearest/rank.ts";
import { type SupervisedState, trainSupervised } from "lib/eval/supervised/train_supervised.ts";
import { runLength } from "lib/train/loop.ts";
import {
  disposeTrainedModel,
  loadTrainedModel,
  saveTrainedModel,
} from "lib/weights/trained_model.ts";
import { createModel, type Model } from "lib/models/mod.ts";
import { backboneStream } from "lib/ssl/method/network.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { recipeAt, type RunKey, sizesAt } from "lib/experiments/configs/config.ts";
import { type DataSplit, openData, requireClasses } from "lib/experiments/configs/data.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { monitorMetrics } from "lib/experiments/measure/monitor_metrics.ts";
import type { Learner } from "lib/experiments/runs/learner.ts";
import {
  twinId,
  type TwinRecipe,
  twinRecipe,
  twinSuffix,
} from "lib/experiments/subjects/supervised_twin.ts";
import {
  hasSamePictures,
  recordPictures,
  requireSamePictures,
} from "lib/experiments/runs/pictures_record.ts";
import { folderOf } from "lib/experiments/runs/run_folder.ts";
import { type TrainOptions, type TrainResult, trainRun } from "lib/experiments/runs/train_run.ts";

/**
 * Trains the run's network with labels, from the weights that the run starts from. The result is a
 * run of its own: as with {@linkcode pretrain}, it is loaded if it is finished, and if it was
 * stopped or killed it is resumed and gives the same numbers.
 *
 * Its monitor measures its features, like those of a run's teacher, and the accuracy of
 * its own classifier on the test images (`classifierTop1`, `classifierTop5`). `linearProbe` and
 * `knn` evaluate it with `of: "supervised"`.
 *
 * @throws {RangeError} If an image has no class, or the loss is not finite; the last checkpoint
 *   stays.
 * @throws {Error} If the disk refuses, or another process is writing the run.
 */
export async function supervised(
  config: RunKey["config"],
  options: TrainOptions,
): Promise<TrainResult> {
  const { scale, seed } = options;
  const key = { config, scale, seed };
  const folder = folderOf(twinId(key));
  const recipe = twinRecipe(key);
  const sizes = sizesAt(config, scale);
  const name = config.name + twinSuffix;
  const run = {
    folder,
    description: { id: folder.id, scale, seed, name, data: config.data, recipe, sizes },
    monitorEvery: sizes.monitorEvery,
    score: "knn20Top1",
    hasSameData: () => hasSamePictures(folder, key),
    learner: async () => {
      const split = await openData(config.data, sizes, options.onWarning);
      requireClasses(split, "train on the classes");
      await recordPictures(folder, key);
      return twinLearner(key, recipe, split);
    },
  } as const;
  if (!options.fresh) await requireSamePictures(folder, key, options.onWarning);
  return await trainRun(run, options);
}

function twinLearner(
  { config, scale, seed }: RunKey,
  recipe: TwinRecipe,
  data: DataSplit,
): Learner {
  const { train, test } = data;
  const { totalSteps } = runLength(recipe, imageCount(train));
  const { crops } = recipeAt(config, scale);
  const model = createModel(recipe.model, backboneStream(seed), {
    numClasses: train.classNames.length,
  });
  const state: SupervisedState = { model, optimizer: new Map() };
  const rng = createRng(seed).fork("supervised");
  return {
    batchSize: recipe.batchSize,
    totalSteps,
    async *train(done, wait, readsAt) {
      using crops = openLabelledCrops(train, { ...recipe, rng: rng.fork("crops") });
      yield* trainSupervised(state, crops, recipe, { rng, done, wait, readsAt });
    },
    async measure(pause) {
      const { top1, top5 } = await classifierAccuracy(model, test, crops, pause);
      const features = await monitorMetrics(model, data, crops, pause);
      return { ...features, classifierTop1: top1, classifierTop5: top5 };
    },
    alarms: () => [], // training with labels does not collapse
    save: (path, step) => saveTrainedModel(path, state, step),
    load: (path) => loadTrainedModel(path, state),
    [Symbol.dispose]: () => disposeTrainedModel(state),
  };
}

/** Top-1 and top-5 of the network's own classifier. */
async function classifierAccuracy(
  model: Model,
  test: ImageSource,
  crops: Pick<CropRecipe, "stats" | "globalSize">,
  pause: () => Promise<void>,
): Promise<Accuracy> {
  const read = (x: tf.Tensor4D) => model.forward(x, { training: false }).logits!;
  using logits = await readFeatureBank(read, test, bankOptions(crops), pause);
  return accuracyOf(logits.rows(0, logits.labels.length), logits.labels);
}
