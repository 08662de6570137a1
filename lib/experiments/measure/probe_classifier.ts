/** The classifier that a run's linear probe found, to be asked about other images than the test images. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { fitClassifier, type FittedClassifier } from "lib/eval/probe/fit_classifier.ts";
import { probeFeatures } from "lib/eval/features/probe_features.ts";
import { cachedSource } from "lib/eval/probe/probe_sources.ts";
import type { Model } from "lib/models/mod.ts";
import { type Classifier, networkClassifier } from "lib/robustness/mod.ts";
import { recipeAt, type RunKey, sizesAt } from "lib/experiments/configs/config.ts";
import { openData } from "lib/experiments/configs/data.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { drive } from "lib/experiments/runs/pause.ts";
import { type FoundSubject, loadSubject } from "lib/experiments/subjects/subject.ts";

/** A teacher with the classifier of its probe; dispose of it to free the weights. */
export interface ProbeClassifier extends Disposable {
  readonly classify: Classifier;
}

export interface ProbeClassifierOptions {
  /** The run's teacher. */
  readonly found: FoundSubject;
  /** For 256 images: the one that `chosenProbe` chose. */
  readonly lr: number;
  /** Awaited several times a second; what it throws ends the training, and the classifying. */
  readonly pause: () => Promise<void>;
}

/**
 * Trains the probe's classifier once more, at its rate alone: from the same first weights and in the same order as `linearProbe`. It
 * is the same but for the last bits, as a product for one rate adds up in another order than one for eight: on 1,724 test emoji it
 * was right 0 to 4 times more or less often. It takes seconds, as features of the training images are read once.
 *
 * @throws {Error} If the weights cannot be read.
 */
export async function openProbeClassifier(
  key: RunKey,
  { found, lr, pause }: ProbeClassifierOptions,
): Promise<ProbeClassifier> {
  const { config, scale, seed } = key;
  const { crops } = recipeAt(config, scale);
  const model = await loadSubject(key, "teacher", found);
  const dispose = () => model[Symbol.dispose]();
  try {
    const { train } = await openData(config.data, sizesAt(config, scale));
    const read = (x: tf.Tensor4D) => probeFeatures(model, x);
    using bank = await readFeatureBank(read, train, bankOptions(crops), pause);
    const how = {
      numClasses: train.classNames.length,
      lrs: [lr],
      epochs: 100,
      batchSize: 256,
    };
    const rng = createRng(seed).fork("linear probe");
    const fitted = await drive(fitClassifier(cachedSource(bank), how, rng), pause);
    const classify = networkClassifier(probed(model, fitted), { stats: crops.stats });
    return {
      classify: async (images) => {
        await pause();
        return await classify(images);
      },
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** The network with logits from the features that a probe reads. */
function probed(
  model: Model,
  { weight, bias }: FittedClassifier,
): Parameters<typeof networkClassifier>[0] {
  return {
    forward: (x) =>
      tf.tidy(() => {
        const features = probeFeatures(model, x);
        const matrix = tf.tensor2d(weight, [features.shape[1], bias.length]);
        const logits = tf.matMul(features, matrix).add<tf.Tensor2D>(tf.tensor1d(bias));
        return { stages: [], features, logits };
      }),
  };
}
