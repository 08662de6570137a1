/**
 * The verb `baselineScores`: compares a method with no training and with supervised training, by
 * k-NN and linear probe.
 */
import type { TrainHooks } from "lib/runs/events.ts";
import { type ChosenProbe, chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import type { PretrainConfig, RunKey, ScaleName } from "lib/experiments/configs/config.ts";
import { counter, toItsEnd } from "lib/experiments/runs/in_turn.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { folderOf } from "lib/experiments/runs/run_folder.ts";
import { statusOf } from "lib/experiments/runs/shipped.ts";
import { twinId } from "lib/experiments/subjects/supervised_twin.ts";
import { pretrain } from "./pretrain.ts";
import { methodName, openExperiment } from "lib/experiments/subjects/experiment.ts";
import type { SubjectOrPixels } from "lib/experiments/subjects/subject.ts";
import { supervised } from "./supervised.ts";

/**
 * The scores of one kind of features. Accuracies are fractions of the test images, one for each
 * seed.
 */
export interface FeatureScores {
  /**
   * Where the features come from: the pixels themselves, the network with its first weights, the
   * trained teacher, or the supervised twin.
   */
  readonly of: "pixels" | "init" | "teacher" | "supervised";
  /**
   * Name in tables and figures: `raw pixels`, `random weights`, `supervised`, or the method's name
   * for the teacher.
   */
  readonly features: string;
  /** Top-1 of the k-NN. Raw pixels have one value, since it does not depend on the seed. */
  readonly knn: readonly number[];
  /**
   * Top-1 of the linear probe after the last epoch, at the learning rate that was best on training
   * images held out for this choice.
   */
  readonly linear: readonly number[];
  /** The learning rates that were chosen, for a batch of 256. */
  readonly rates: readonly number[];
  /**
   * Ids of the runs whose folders hold the numbers. Scores of random weights and raw pixels are in
   * the folders of the method's runs.
   */
  readonly runs: readonly string[];
}

/** The scores of all kinds of features. */
export interface BaselineScores {
  /** Name of the method that trained the runs: `DINO`. */
  readonly method: string;
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
  /** Neighbours that voted in the k-NN. */
  readonly k: number;
  /** One entry for each kind of features, from raw pixels to supervised. */
  readonly scores: readonly FeatureScores[];
}

/** Scale and seeds of the runs, and how their features are scored. */
export interface BaselineScoresOptions
  extends Pick<TrainHooks, "onStart" | "onEvent" | "onWarning" | "onShipped" | "signal"> {
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Whole numbers; networks are trained and probed once with each. */
  readonly seeds: readonly number[];
  /** Neighbours of the k-NN. By default, 20. */
  readonly k?: number;
  /** Epochs of the linear probes. By default, the reference's 100. */
  readonly epochs?: number;
}

/**
 * The kinds of features, in the order of the rows. The teacher's row gets the name of its method.
 */
const kinds = [
  ["pixels", "raw pixels"],
  ["init", "random weights"],
  ["teacher", undefined],
  ["supervised", "supervised"],
] as const;

/**
 * Scores four kinds of features for every seed: raw pixels, the network with its first weights, the
 * teacher that a method trained from them without labels, and the same network trained with labels.
 * What `outputs/` does not hold yet is trained and measured; the rest is loaded.
 *
 * The learning rate of a linear probe is chosen for each kind of features and each seed. A first
 * probe is trained without a tenth of the training images, which are then used to choose. A second
 * probe is trained on all of them. So the test images are never used for a choice. The supervised
 * twin was trained on the images held out too, so for it they are a worse basis for the choice.
 *
 * @param options.onEvent Called after each training and evaluation, as for a step.
 * @throws {Error} If `signal` is aborted; what was done until then is kept.
 */
export async function baselineScores(
  config: PretrainConfig,
  options: BaselineScoresOptions,
): Promise<BaselineScores> {
  const { scale, seeds, k = 20, epochs } = options;
  const method = methodName(config.recipe);
  const count = counter(seeds.length * (2 + 2 * kinds.length), options);
  const { signal, onWarning, onShipped } = options;
  await requireClassesOf(config, scale, seeds[0] ?? 0);
  for (const seed of seeds) {
    for (const train of [pretrain, supervised]) {
      await count(() => toItsEnd(train, config, { scale, seed, signal, onWarning, onShipped }));
    }
  }
  const scores: FeatureScores[] = [];
  for (const [of, features = method] of kinds) {
    const [knns, probes]: [KnnScore[], ChosenProbe[]] = [[], []];
    for (const seed of seeds) {
      const shared = { config, scale, seed, of, signal };
      knns.push(await count(() => knnAt(k, shared)));
      probes.push(await count(() => chosenProbe(config, { ...shared, epochs })));
    }
    scores.push({
      of,
      features,
      knn: (of === "pixels" ? knns.slice(0, 1) : knns).map(({ top1 }) => top1),
      linear: probes.map(({ top1 }) => top1),
      rates: probes.map(({ lr }) => lr),
      runs: knns.map(({ run }) => run),
    });
  }
  return { method, scale, seeds, k, scores };
}

/** Refuses a person's own pictures without classes, before the first run is trained. */
async function requireClassesOf(config: PretrainConfig, scale: ScaleName, seed: number) {
  const key = { config, scale, seed };
  if (config.data.kind !== "folder" || statusOf(folderOf(twinId(key))) !== undefined) return;
  await openExperiment(key).labelledData("score baselines");
}

interface KnnQuery extends RunKey, Pick<TrainHooks, "signal"> {
  readonly of: SubjectOrPixels;
}

interface KnnScore {
  readonly run: string;
  readonly top1: number;
}

async function knnAt(k: number, { config, ...options }: KnnQuery): Promise<KnnScore> {
  const { run, accuracies } = await knn(config, options);
  const accuracy = accuracies.find((accuracy) => accuracy.k === k);
  if (accuracy !== undefined) return { run, top1: accuracy.top1 };
  throw new RangeError(`Cannot score k-NN at k = ${k}: use ${accuracies.map((a) => a.k)}`);
}
