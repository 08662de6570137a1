/** The verb `baselineScores`: "is it better than nothing, and how far from being told?", by k-NN and by a linear probe. */
import type { TrainHooks } from "lib/train/events.ts";
import type { PretrainConfig, RunKey, ScaleName } from "lib/experiments/config.ts";
import { knn } from "lib/experiments/knn.ts";
import { linearProbe, probeRates } from "lib/experiments/linear_probe.ts";
import { pretrain } from "lib/experiments/pretrain.ts";
import type { Features } from "lib/experiments/subject.ts";
import { supervised } from "lib/experiments/supervised.ts";
import type { TrainOptions, TrainResult } from "lib/experiments/train_run.ts";

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

const kinds: readonly (readonly [FeatureScores["features"], Features])[] = [
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
    const [knns, probes]: [Measured[], Chosen[]] = [[], []];
    for (const seed of seeds) {
      const shared = { config, scale, seed, of, signal };
      knns.push(await count(() => knnAt(k, shared)));
      probes.push(await count(() => chosenProbe(shared, epochs)));
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

/** Does one thing after another, and tells of each that is done. */
function counter(totalSteps: number, { onStart, onEvent }: TrainHooks) {
  let step = 0;
  return async <T>(compute: () => Promise<T>): Promise<T> => {
    if (step === 0) await onStart?.([], totalSteps);
    const result = await compute();
    await onEvent?.({ step: ++step, totalSteps, metrics: {} });
    return result;
  };
}

async function toItsEnd(
  train: (config: PretrainConfig, options: TrainOptions) => Promise<TrainResult>,
  config: PretrainConfig,
  options: TrainOptions,
): Promise<void> {
  const { run, finished, step } = await train(config, options);
  if (!finished) throw new Error(`Stopped ${run} at step ${step}, saved: the same call goes on`);
}

interface What extends RunKey, Pick<TrainHooks, "signal"> {
  readonly of: Features;
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

interface Chosen {
  readonly lr: number;
  readonly top1: number;
}

const heldOut = 0.1; // of the training images, to choose a rate by

/** Two more than a probe tries by itself: DINO's features of emoji do best at 0.3, the last of those. */
export const scoreRates = [...probeRates, 1, 3] as const;

async function chosenProbe({ config, ...options }: What, epochs?: number): Promise<Chosen> {
  const probe = { ...options, epochs, lrs: scoreRates };
  const trial = await linearProbe(config, { ...probe, holdOut: heldOut });
  const { lr } = trial.courses.reduce((a, b) => b.last.top1 > a.last.top1 ? b : a);
  const { courses } = await linearProbe(config, probe);
  return { lr, top1: courses.find((course) => course.lr === lr)!.last.top1 };
}
