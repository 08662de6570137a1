/** The linear classifiers that are fitted to a run's features, to be asked about other images. */
import { createRng } from "lib/rng.ts";
import { type FeatureReader, pooledFeatures } from "lib/eval/features/features.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { probeFeatures } from "lib/eval/features/probe_features.ts";
import { fitClassifier, type FittedClassifier } from "lib/eval/probe/fit_classifier.ts";
import { cachedSource } from "lib/eval/probe/probe_sources.ts";
import type { Model } from "lib/models/mod.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { drive } from "lib/experiments/runs/pause.ts";
import { probeEpochsAt } from "lib/experiments/measure/probe_length.ts";
import type { Experiment } from "lib/experiments/subjects/experiment.ts";

/** What a run's classifier reads, and the random stream of its weights and its order of images. */
interface ClassifierKind {
  readonly features: (model: Model) => FeatureReader;
  readonly stream: string;
}

/**
 * The two classifiers of a run. Both are trained as the paper's linear probe, but they are
 * different networks, because they answer different questions:
 *
 * - `probe` is the linear probe itself, for its accuracy on shifted images: it reads what a linear
 *   probe reads (of a transformer, several blocks), from the stream of `linearProbe`.
 * - `explained` is what class activation maps go back through: it must read the pooled feature, as
 *   its gradient has to reach the last map. It has a stream of its own.
 *
 * For a convnet both read the same feature, and differ in their first weights and orders alone.
 */
export const classifierKinds = {
  probe: { features: (model) => (x) => probeFeatures(model, x), stream: "linear probe" },
  explained: { features: pooledFeatures, stream: "explained classifier" },
} as const satisfies Readonly<Record<string, ClassifierKind>>;

export interface RunClassifierOptions {
  readonly kind: keyof typeof classifierKinds;
  /** Peak rates for 256 images; the one with the least training loss is kept. */
  readonly lrs: readonly number[];
  /** Awaited several times a second; what it throws ends the training. */
  readonly pause: () => Promise<void>;
}

/** A classifier and the classes it tells apart. */
export interface RunClassifier {
  readonly classifier: FittedClassifier;
  readonly classNames: readonly string[];
}

/** Fits a classifier to the features of all training images of an experiment. */
export async function fitRunClassifier(
  { key, recipe: { crops }, labelledData }: Experiment,
  model: Model,
  { kind, lrs, pause }: RunClassifierOptions,
): Promise<RunClassifier> {
  const { features, stream } = classifierKinds[kind];
  const { train } = await labelledData("fit a classifier");
  using bank = await readFeatureBank(features(model), train, bankOptions(crops), pause);
  const { classNames } = train;
  const rng = createRng(key.seed).fork(stream);
  const epochs = probeEpochsAt(key.scale);
  const options = { numClasses: classNames.length, lrs, epochs };
  const steps = fitClassifier(cachedSource(bank), options, rng);
  return { classifier: await drive(steps, pause), classNames };
}
