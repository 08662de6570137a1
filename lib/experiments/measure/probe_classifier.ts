/** The classifier of a run's linear probe, to be asked about other images than the test images. */
import * as tf from "lib/tf.ts";
import type { FittedClassifier } from "lib/eval/probe/fit_classifier.ts";
import { probeFeatures } from "lib/eval/features/probe_features.ts";
import type { Model } from "lib/models/mod.ts";
import { type Classifier, networkClassifier } from "lib/robustness/mod.ts";
import type { RunKey } from "lib/experiments/configs/config.ts";
import { fitRunClassifier } from "lib/experiments/measure/run_classifier.ts";
import { openExperiment } from "lib/experiments/subjects/experiment.ts";
import { loadSubject, type SubjectWeights } from "lib/experiments/subjects/subject.ts";

/** A teacher with the classifier of its probe; dispose of it to free the weights. */
export interface ProbeClassifier extends Disposable {
  readonly classify: Classifier;
}

export interface ProbeClassifierOptions {
  /** The weights of the run's teacher. */
  readonly weights: SubjectWeights;
  /** The rate that `chosenProbe` chose, for 256 images. */
  readonly lr: number;
  /** Awaited several times a second; what it throws ends the training, and the classifying. */
  readonly pause: () => Promise<void>;
}

/**
 * Trains the probe's classifier once more, at its rate alone: from the same first weights and in
 * the same order as `linearProbe`. Only the last bits differ, since a product for one rate adds up
 * in another order than one for eight: on 1,724 test emoji it was right 0 to 4 times more or less
 * often. It takes seconds, because features of the training images are read once.
 *
 * @throws {Error} If the weights cannot be read.
 */
export async function openProbeClassifier(
  key: RunKey,
  { weights, lr, pause }: ProbeClassifierOptions,
): Promise<ProbeClassifier> {
  const experiment = openExperiment(key);
  const model = await loadSubject(key, "teacher", weights);
  const dispose = () => model[Symbol.dispose]();
  try {
    const { stats } = experiment.recipe.crops;
    const options = { kind: "probe", lrs: [lr], pause } as const;
    const { classifier } = await fitRunClassifier(experiment, model, options);
    const classify = networkClassifier(withProbe(model, classifier), { stats });
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

/** The network, with logits from the features that a probe reads. */
function withProbe(
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
