/**
 * Fine-tuning on a transfer set: all weights of a pre-trained network are trained with labels. With
 * `of: "init"` it is the same network supervised from scratch. Each is a run of its own, in a folder
 * of its own, and is resumed like any other.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import type { ImageSource } from "lib/datasets/mod.ts";
import { selectImages } from "lib/datasets/pictures/stored_images.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { openLabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import {
  type ClassifierLoss,
  type SupervisedRecipe,
  type SupervisedState,
  trainSupervised,
} from "lib/eval/supervised/train_supervised.ts";
import {
  fewOfEachClass,
  selectTruth,
  type TransferTruth,
} from "lib/eval/transfer/transfer_features.ts";
import { transferScore } from "lib/eval/transfer/transfer_score.ts";
import { createModel, familyOf, type Model, type ModelConfig } from "lib/models/mod.ts";
import { copyTree } from "lib/nn/parameters.ts";
import { backboneStream } from "lib/ssl/method/network.ts";
import { runLength } from "lib/train/loop.ts";
import {
  disposeTrainedModel,
  loadTrainedModel,
  saveTrainedModel,
} from "lib/weights/trained_model.ts";
import {
  hashedName,
  recipeAt,
  runId,
  type RunKey,
  type ScaleName,
} from "lib/experiments/configs/config.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { toItsEnd } from "lib/experiments/runs/in_turn.ts";
import type { Learner } from "lib/experiments/runs/learner.ts";
import { folderOf } from "lib/experiments/runs/run_folder.ts";
import { type TrainOptions, trainRun } from "lib/experiments/runs/train_run.ts";
import { findSubject, loadSubject, type Subject } from "lib/experiments/subjects/subject.ts";
import {
  drawStream,
  openTransferData,
  transferCounts,
  type TransferData,
  type TransferName,
  type TransferScoreEntry,
} from "./transfer_data.ts";

/** What decides the numbers of a fine-tuning. */
export interface FinetuneKey extends RunKey {
  readonly set: TransferName;
  /** Whose weights it starts from. */
  readonly of: Subject;
  /** Images of each class; by default all. */
  readonly shots?: number;
  /** Seed of the draw of those images. */
  readonly draw?: number;
  readonly folder?: string;
}

/** How a network is fine-tuned. The batch is not here: it depends on how many images there are. */
interface FinetuneRecipe extends Omit<SupervisedRecipe, "batchSize"> {
  readonly model: ModelConfig;
}

const epochs = { smoke: 2, laptop: 30, paper: 50 } as const satisfies Record<ScaleName, number>;

/**
 * Peak rate for 256 images. From scratch it is that of the supervised runs; pre-trained weights move
 * less. Neither comes from a trial.
 */
const rates = { scratch: 0.016, pretrained: 0.008 } as const;

const layerDecay = 0.75; // from a group of layers to the one before it, as BEiT's ViT-S has it

/**
 * The recipe: AdamW, a warm-up of a tenth and a cosine, mild crops and flips. Layers near the image
 * learn more slowly where the family has groups of layers, unless it starts from scratch.
 */
function finetuneRecipe({ config, scale, of }: FinetuneKey): FinetuneRecipe {
  const { model, crops: { globalSize, stats } } = recipeAt(config, scale);
  const scratch = of === "init";
  return {
    model,
    ...{ epochs: epochs[scale], lr: scratch ? rates.scratch : rates.pretrained },
    ...{ warmupShare: 0.1, weightDecay: 0.05, size: globalSize, scale: [0.5, 1], stats },
    layerDecay: scratch || familyOf(model).layerGroups === undefined ? 1 : layerDecay,
  };
}

const mostInBatch = 64;

/** The id of a fine-tuning: name of its folder in `outputs/`. */
export function finetuneId(key: FinetuneKey): string {
  const { config, scale, seed, set, of, shots, draw, folder } = key;
  const origin = { run: runId(key), of };
  const decides = { origin, set, shots, draw, folder, ...transferCounts(set, scale) };
  return hashedName(`${config.name}_to_${set}`, { ...decides, recipe: finetuneRecipe(key), seed });
}

/**
 * Fine-tunes to the end, going on from what `outputs/` has, and tests once, after the last step.
 *
 * @throws {RangeError} If the loss is not finite; the last checkpoint stays.
 * @throws {Error} If the weights or the set's files are not there, or it was stopped: it is saved,
 *   and the same call goes on.
 */
export async function finetuneOn(
  key: FinetuneKey,
  { scale, seed, signal, fresh, onStart, onEvent, onWarning }: TrainOptions,
): Promise<TransferScoreEntry> {
  const options = { scale, seed, signal, fresh, onStart, onEvent, onWarning };
  const folder = folderOf(finetuneId(key));
  const { config: { name }, set, of, shots, draw } = key;
  const recipe = finetuneRecipe(key);
  const data = { kind: "transfer", set, shots, draw };
  const description = { id: folder.id, scale, seed, name: `${name}_to_${set}`, data, of, recipe };
  const run = {
    ...{ folder, description, score: "transferScore" },
    monitorEvery: Number.MAX_SAFE_INTEGER, // once, after the last step
    learner: () => finetuneLearner(key),
  } as const;
  const { history } = await toItsEnd((_, options) => trainRun(run, options), key, options);
  const { transferScore, images } = history.at(-1)!.metrics;
  return { score: transferScore!, images: images! };
}

async function finetuneLearner(key: FinetuneKey): Promise<Learner> {
  const { scale, seed, set, shots, draw, folder } = key;
  const recipe = finetuneRecipe(key);
  const counts = transferCounts(set, scale);
  const data = await openTransferData(set, { size: recipe.size, folder, ...counts });
  const { train, truth } = chosenImages(data, shots, draw);
  const count = truth.labels.length;
  const batchSize = Math.min(mostInBatch, count);
  const { totalSteps } = runLength({ ...recipe, batchSize }, count);
  const model = await startingModel(key, truth.numClasses);
  const state: SupervisedState = { model, optimizer: new Map() };
  const rng = createRng(seed).fork("finetune");
  return {
    batchSize,
    totalSteps,
    async *train(done, wait) {
      // In place of its class, each image has its number, by which the loss finds what is true.
      const numbered = { ...train, labels: Int32Array.from({ length: count }, (_, i) => i) };
      using crops = openLabelledCrops(numbered, { ...recipe, rng: rng.fork("crops") });
      const loss = lossBy(truth);
      yield* trainSupervised(state, crops, { ...recipe, batchSize }, { rng, done, wait, loss });
    },
    measure: async (pause) => ({
      transferScore: await testScore(model, data, key, pause),
      images: count,
    }),
    alarms: () => [], // training with labels does not collapse
    save: (path, step) => saveTrainedModel(path, state, step),
    load: (path) => loadTrainedModel(path, state),
    [Symbol.dispose]: () => disposeTrainedModel(state),
  };
}

/** The training images of a draw, with what is true of them. */
function chosenImages(
  { train, truth }: TransferData,
  shots: number | undefined,
  draw = 0,
): { readonly train: ImageSource; readonly truth: TransferTruth } {
  if (shots === undefined) return { train, truth: truth.train };
  const indices = fewOfEachClass(truth.train, shots, drawStream(draw));
  return {
    train: selectImages(train, indices),
    truth: selectTruth(truth.train, indices),
  };
}

/** The network with a new classifier and the weights of its origin. */
async function startingModel(key: FinetuneKey, numClasses: number): Promise<Model> {
  const { model: config } = recipeAt(key.config, key.scale);
  const model = createModel(config, backboneStream(key.seed), { numClasses });
  try {
    using origin = await loadSubject(key, key.of, findSubject(key, key.of), { backboneOnly: true });
    const { head: _, fc: __, ...body } = model.params as { head?: unknown; fc?: unknown };
    copyTree(origin.params, body);
    return model;
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}

/**
 * The loss of images by their numbers: cross-entropy with their classes, or where they have several,
 * the mean over images and classes of each class's binary cross-entropy.
 */
export function lossBy(truth: TransferTruth): ClassifierLoss {
  return (logits, numbers) => {
    const { labels, several, numClasses } = selectTruth(truth, Array.from(numbers));
    if (several === undefined) {
      const target = tf.oneHot(tf.tensor1d(labels, "int32"), numClasses);
      return tf.losses.softmaxCrossEntropy(target, logits) as tf.Scalar;
    }
    // 1 where a class is there, −1 where it is not, 0 where it is not counted
    const own = tf.tensor2d(Float32Array.from(several), [numbers.length, numClasses]);
    // log(1 + exp(−y · logit)): the binary cross-entropy of a class
    return tf.softplus(logits.mul(own).neg()).mul(own.abs()).mean() as tf.Scalar;
  };
}

async function testScore(
  model: Model,
  { metric, test, truth }: TransferData,
  { config, scale }: RunKey,
  pause: () => Promise<void>,
): Promise<number> {
  const { crops } = recipeAt(config, scale);
  const read = (x: tf.Tensor4D) => model.forward(x, { training: false }).logits!;
  using logits = await readFeatureBank(read, test, { ...bankOptions(crops), whole: true }, pause);
  return transferScore(metric, logits.rows(0, truth.test.labels.length), truth.test);
}
