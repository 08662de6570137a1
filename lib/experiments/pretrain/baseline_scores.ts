/** The verb `baselineScores`: "is it better than nothing, and how far from being told?", by k-NN and by a linear probe. */
import type { TrainHooks } from "lib/runs/events.ts";
import { type ChosenProbe, chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import type { PretrainConfig, RunKey, ScaleName } from "lib/experiments/configs/config.ts";
import { counter, toItsEnd } from "lib/experiments/runs/in_turn.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import type { SubjectOrPixels } from "lib/experiments/subjects/subject.ts";
import { supervised } from "lib/experiments/pretrain/supervised.ts";

/** One kind of features. Accuracies are fractions of the test images, one for each seed. */
export interface FeatureScores {
  readonly features: "raw pixels" | "random weights" | "DINO" | "supervised";
  /** Top-1; of raw pixels one, as no seed changes it. */
  readonly knn: readonly number[];
  /** Top-1 after the last epoch, at the rate that did best on training images held out. */
  readonly linear: readonly number[];
  /** Those rates, for 256 images. */
  readonly rates: readonly number[];
  /** In whose folders the numbers are: the runs themselves, or those that begin with these weights or see these images. */
  readonly runs: readonly string[];
}

/** Numbers only. */
export interface BaselineScores {
  readonly scale: ScaleName;
  readonly seeds: readonly number[];
  readonly k: number;
  readonly scores: readonly FeatureScores[];
}

export interface BaselineScoresOptions
  extends Pick<TrainHooks, "onStart" | "onEvent" | "onWarning" | "signal"> {
  readonly scale: ScaleName;
  readonly seeds: readonly number[];
  /** Of the k-NN. By default, 20. */
  readonly k?: number;
  /** Of the linear probes. By default, the reference's 100. */
  readonly epochs?: number;
}

const kinds: readonly (readonly [FeatureScores["features"], SubjectOrPixels])[] = [
  ["raw pixels", "pixels"],
  ["random weights", "init"],
  ["DINO", "teacher"],
  ["supervised", "supervised"],
];

/**
 * Scores raw pixels, the network's first weights, what DINO makes of them without labels, and what the same network makes of them
 * with labels, for every seed. Trains what `outputs/` does not hold yet, and keeps all that it measures: called again, it loads.
 *
 * The rate of a linear probe is chosen, for each of its features and seeds, on a tenth of the training images that a first probe is
 * not trained on; the second is trained on all of them. No choice has seen the test images. The supervised twin itself has seen
 * those held out, so that they choose less well for it.
 *
 * @param options.onEvent Told of each training and evaluation that is done, as a step.
 * @throws {Error} If `signal` is aborted: what was done until then is kept.
 */
export async function baselineScores(
  config: PretrainConfig,
  options: BaselineScoresOptions,
): Promise<BaselineScores> {
  const { scale, seeds, k = 20, epochs } = options;
  const count = counter(seeds.length * (2 + 2 * kinds.length), options);
  const { signal, onWarning } = options;
  for (const seed of seeds) {
    for (const train of [pretrain, supervised]) {
      await count(() => toItsEnd(train, config, { scale, seed, signal, onWarning }));
    }
  }
  const scores: FeatureScores[] = [];
  for (const [features, of] of kinds) {
    const [knns, probes]: [Measured[], ChosenProbe[]] = [[], []];
    for (const seed of seeds) {
      const shared = { config, scale, seed, of, signal };
      knns.push(await count(() => knnAt(k, shared)));
      probes.push(await count(() => chosenProbe(config, { ...shared, epochs })));
    }
    scores.push({
      features,
      knn: (of === "pixels" ? knns.slice(0, 1) : knns).map(({ top1 }) => top1),
      linear: probes.map(({ top1 }) => top1),
      rates: probes.map(({ lr }) => lr),
      runs: knns.map(({ run }) => run),
    });
  }
  return { scale, seeds, k, scores };
}

interface What extends RunKey, Pick<TrainHooks, "signal"> {
  readonly of: SubjectOrPixels;
}

interface Measured {
  readonly run: string;
  readonly top1: number;
}

async function knnAt(k: number, { config, ...options }: What): Promise<Measured> {
  const { run, accuracies } = await knn(config, options);
  const found = accuracies.find((accuracy) => accuracy.k === k);
  if (found !== undefined) return { run, top1: found.top1 };
  throw new RangeError(`Cannot score k-NN at k = ${k}: use ${accuracies.map((a) => a.k)}`);
}
