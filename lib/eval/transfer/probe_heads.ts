/**
 * ELEVATER's classifier on stored features (Li et al. 2022, `full_model_finetune.py`): a BatchNorm
 * without weights, then one linear layer, trained by SGD with momentum 0.9 at a constant rate and
 * with weight decay on its bias too. Classifiers of many settings are trained side by side in one
 * product; each learns exactly as it would alone, since all see the same batches.
 *
 * B images of a batch, D features, C classes, L settings.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { TransferMetric } from "lib/datasets/transfer/transfer_types.ts";
import { constant } from "lib/nn/init.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { sgdStep } from "lib/train/sgd.ts";
import {
  featureCount,
  selectTruth,
  type TransferFeatures,
  type TransferTruth,
} from "./transfer_features.ts";
import { transferScore } from "./transfer_score.ts";

/** What a search tries. */
export interface HeadSetting {
  /** Learning rate of a step, whatever the batch. */
  readonly lr: number;
  /** Factor of the weights that is added to their gradient. */
  readonly weightDecay: number;
}

/** How classifiers are trained and tested. */
export interface HeadOptions {
  readonly settings: readonly HeadSetting[];
  readonly epochs: number;
  readonly metric: TransferMetric;
  /** Whether they are tested after every epoch, or once, after the last one. */
  readonly tested: "every epoch" | "once";
  /**
   * Whether the metric sees probabilities of a softmax over the classes. ELEVATER's does, even where
   * images have several classes, and an average precision depends on it. Otherwise it sees logits.
   */
  readonly softmax: boolean;
}

/** The classifiers of all settings, and the statistics that they share. */
interface Heads {
  readonly weight: tf.Variable<tf.Rank.R2>; // [D, L·C]
  readonly bias: tf.Variable<tf.Rank.R1>; // [L·C]
  readonly momentum: OptimizerState;
  /** Running mean and variance of the features, `[D]`. */
  readonly statistics: { readonly mean: Float64Array; readonly variance: Float64Array };
  readonly settings: readonly HeadSetting[];
  readonly numClasses: number;
}

/** Images in a step, as in ELEVATER; the last batch of an epoch may be smaller. */
const batchSize = 64;

/**
 * Trains a classifier for each setting, from the same first weights (PyTorch's for a linear layer),
 * in a new order of the images in each epoch.
 *
 * Differs: in ELEVATER each setting has first weights and orders of its own.
 *
 * @returns `[L]`, for each setting its scores, one for each test. A classifier that has diverged
 *   scores 0. Yields the fraction done after every batch.
 */
export async function* trainHeads(
  train: TransferFeatures,
  test: TransferFeatures,
  { settings, epochs, metric, tested, softmax }: HeadOptions,
  rng: Rng,
): AsyncGenerator<number, number[][]> {
  const count = featureCount(train);
  const heads = createHeads(train, settings, rng.fork("weight"));
  const scores = settings.map((): number[] => []);
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = rng.fork("order").fork(epoch).permutation(count);
      for (let from = 0; from < count; from += batchSize) {
        const batch = order.subarray(from, from + batchSize);
        if (batch.length > 1) headsStep(heads, train, batch); // one image has no variance
        yield (epoch + Math.min(1, (from + batchSize) / count)) / epochs;
      }
      if (tested === "once" && epoch + 1 < epochs) continue;
      const tests = await testHeads(heads, test, metric, softmax);
      tests.forEach((score, l) => scores[l]!.push(score));
    }
    return scores;
  } finally {
    tf.dispose([heads.weight, heads.bias]);
    disposeOptimizer(heads.momentum);
  }
}

/** All settings start from the same weights, uniform within ±1/√D. */
function createHeads(
  { dim, truth: { numClasses } }: TransferFeatures,
  settings: readonly HeadSetting[],
  rng: Rng,
): Heads {
  const width = settings.length * numClasses;
  const bound = 1 / Math.sqrt(dim);
  const draw = (length: number) => Float32Array.from({ length }, () => rng.uniform(-bound, bound));
  const [weight, bias] = [constant<tf.Rank.R2>([dim, width], 0), constant<tf.Rank.R1>([width], 0)];
  tf.tidy(() => {
    weight.assign(tf.tile(tf.tensor2d(draw(dim * numClasses), [dim, numClasses]), [
      1,
      settings.length,
    ]));
    bias.assign(tf.tile(tf.tensor1d(draw(numClasses)), [settings.length]));
  });
  const statistics = { mean: new Float64Array(dim), variance: new Float64Array(dim).fill(1) };
  return { weight, bias, momentum: new Map(), statistics, settings, numClasses };
}

const eps = 1e-5; // PyTorch's BatchNorm
const newShare = 0.1; // of a batch in the running statistics

/** One step of every classifier on one batch. */
function headsStep(heads: Heads, train: TransferFeatures, batch: Uint32Array): void {
  const { weight, bias, momentum, settings, numClasses } = heads;
  const values = train.gather(batch);
  normalizeBatch(values, train.dim, heads.statistics);
  tf.tidy(() => {
    const x = tf.tensor2d(values, [batch.length, train.dim]);
    const logits = tf.matMul(x, weight).add(bias)
      .reshape<tf.Tensor3D>([batch.length, settings.length, numClasses]);
    const slope = lossSlope(logits, selectTruth(train.truth, Array.from(batch)))
      .reshape<tf.Tensor2D>([batch.length, settings.length * numClasses]);
    // Multiplying by a constant rate before the momentum is the same as multiplying after it.
    const columns = (of: (setting: HeadSetting) => number) =>
      tf.tensor1d(settings.flatMap((setting) => new Array<number>(numClasses).fill(of(setting))));
    const rates = columns(({ lr }) => lr);
    const decays = columns(({ lr, weightDecay }) => lr * weightDecay);
    const weights = new Map<string, tf.Variable>([["weight", weight], ["bias", bias]]);
    const grads = new Map<string, tf.Tensor>([
      ["weight", tf.matMul(x, slope, true).mul(rates).add(weight.mul(decays))],
      ["bias", slope.sum(0).mul(rates).add(bias.mul(decays))],
    ]);
    sgdStep(weights, grads, momentum, { lr: 1, momentum: 0.9 });
  });
}

/**
 * The derivative of the mean loss by the logits: cross-entropy, or where images have several
 * classes, the mean over images and classes of each class's binary cross-entropy.
 *
 * @param logits `[B, L, C]`
 * @param truth Of the B images.
 */
function lossSlope(
  logits: tf.Tensor3D,
  { labels, several, numClasses }: TransferTruth,
): tf.Tensor3D {
  const count = labels.length;
  if (several === undefined) {
    const target = tf.oneHot(tf.tensor1d(labels, "int32"), numClasses).toFloat().reshape([
      count,
      1,
      numClasses,
    ]);
    return tf.softmax(logits).sub(target).div(count);
  }
  const own = tf.tensor3d(Float32Array.from(several), [count, 1, numClasses]);
  const counted = own.abs(); // 0 where a class is neither there nor absent
  return tf.sigmoid(logits).sub(own.greater(0).toFloat()).mul(counted).div(count * numClasses);
}

/** Normalises a batch by its own statistics, in place, and moves the running ones. */
function normalizeBatch(
  values: Float32Array,
  dim: number,
  { mean, variance }: Heads["statistics"],
): void {
  const count = values.length / dim;
  for (let d = 0; d < dim; d++) {
    let [sum, squares] = [0, 0];
    for (let i = d; i < values.length; i += dim) sum += values[i]!;
    const centre = sum / count;
    for (let i = d; i < values.length; i += dim) squares += (values[i]! - centre) ** 2;
    const scale = 1 / Math.sqrt(squares / count + eps);
    for (let i = d; i < values.length; i += dim) values[i] = (values[i]! - centre) * scale;
    mean[d] = (1 - newShare) * mean[d]! + newShare * centre;
    variance[d] = (1 - newShare) * variance[d]! + newShare * squares / (count - 1);
  }
}

const testRows = 1024; // images at a time

/** `[L]`, the score of each classifier; features are normalised by the running statistics. */
async function testHeads(
  heads: Heads,
  test: TransferFeatures,
  metric: TransferMetric,
  softmax: boolean,
): Promise<number[]> {
  const { settings, numClasses, weight, bias, statistics: { mean, variance } } = heads;
  const count = featureCount(test);
  const size = count * numClasses;
  const all = settings.map(() => new Float32Array(size));
  for (let from = 0; from < count; from += testRows) {
    const rows = Array.from({ length: Math.min(testRows, count - from) }, (_, i) => from + i);
    const values = test.gather(rows);
    values.forEach((value, i) => {
      const d = i % test.dim;
      values[i] = (value - mean[d]!) / Math.sqrt(variance[d]! + eps);
    });
    const scores = tf.tidy(() => {
      const x = tf.tensor2d(values, [rows.length, test.dim]);
      const logits = tf.matMul(x, weight).add(bias)
        .reshape<tf.Tensor3D>([rows.length, settings.length, numClasses]);
      return (softmax ? tf.softmax(logits) : logits).transpose([1, 0, 2]); // [L, B, C]
    });
    const read = await scores.data<"float32">();
    scores.dispose();
    const part = rows.length * numClasses;
    all.forEach((own, l) => own.set(read.subarray(l * part, (l + 1) * part), from * numClasses));
  }
  return all.map((scores) => transferScore(metric, scores, test.truth));
}
