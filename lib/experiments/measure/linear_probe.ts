/**
 * The verb `linearProbe`: the accuracy of a linear classifier on a run's features (the paper's
 * "linear", Tables 1 to 3).
 */
import { alone, type World } from "lib/distributed/world.ts";
import { createRng, type Rng } from "lib/rng.ts";
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";
import { helpToRead, type OwnedBank, readFeatureBank } from "lib/eval/features/feature_source.ts";
import type { FeatureReader } from "lib/eval/features/features.ts";
import { type ProbeFeatureOptions, probeFeatures } from "lib/eval/features/probe_features.ts";
import { openLabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import {
  augmentedSource,
  cachedSource,
  partOf,
  probeCropScale,
} from "lib/eval/probe/probe_sources.ts";
import { probeBatch, type ProbeSource } from "lib/eval/probe/probe_steps.ts";
import {
  type LinearProbeOptions,
  type ProbeCourse,
  type ProbeStep,
  trainLinearProbe,
} from "lib/eval/probe/train_linear_probe.ts";
import type { Model } from "lib/models/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import type { RunKey } from "lib/experiments/configs/config.ts";
import { evaluatedTogether } from "lib/experiments/measure/evaluated_together.ts";
import { probeEpochsAt } from "lib/experiments/measure/probe_length.ts";
import { bankOptions, pixelBank } from "lib/experiments/measure/feature_banks.ts";
import { recordPictures, requireSamePictures } from "lib/experiments/runs/pictures_record.ts";
import { drive, interruptible } from "lib/experiments/runs/pause.ts";
import { openExperiment } from "lib/experiments/subjects/experiment.ts";
import {
  findSubject,
  loadSubject,
  type SubjectOrPixels,
} from "lib/experiments/subjects/subject.ts";

/** Which run to evaluate, which of its weights, and how the classifiers are trained. */
export interface LinearProbeVerbOptions
  extends
    Pick<RunKey, "scale" | "seed">,
    Omit<LinearProbeOptions, "numClasses">,
    ProbeFeatureOptions,
    TrainHooks {
  /** Whose features; `pixels` are the images themselves, 0–1. By default the run's teacher. */
  readonly of?: SubjectOrPixels;
  /**
   * Whether to train as the reference does: on features of new crops of every image in every epoch,
   * at one learning rate, 0.001. By default features are computed once, from the whole images, and
   * several rates are tried.
   */
  readonly augment?: boolean;
  /**
   * Share of the training images to keep out of training and to test on, in place of the test
   * images: for choosing a rate. By default, none.
   */
  readonly holdOut?: number;
  /** Whether to train again although the run's folder has the result. */
  readonly fresh?: boolean;
  /**
   * The processes that compute the features of whole images together: all call this with the same
   * options. Process 0 trains the classifiers. By default, this process alone.
   */
  readonly world?: World;
}

/** Numbers only. */
export interface LinearProbeResult extends Pick<RunKey, "scale" | "seed"> {
  /** Id of the run. */
  readonly run: string;
  /** Whose features were classified. */
  readonly of: SubjectOrPixels;
  /** Version of the weights: `step 6240`. */
  readonly version: string;
  /** D. */
  readonly featureDim: number;
  /**
   * One course for each learning rate. Whoever takes the best of several by their accuracy chooses
   * on the test images.
   */
  readonly courses: readonly ProbeCourse[];
}

/**
 * Rates tried side by side on cached features: from the reference's 0.001 to what its ResNet-50
 * got.
 */
export const probeRates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3] as const;

/** The one rate of a probe on augmented crops: the reference's. */
const augmentedRates = [0.001] as const;

/**
 * Trains linear classifiers on frozen features, or loads the result that `outputs/` has.
 *
 * @throws {Error} If the run is not there, or `signal` was aborted: nothing is kept then.
 * @throws {RangeError} If an option makes no sense for the network; see `probeFeatures`.
 *
 * @example
 * ```ts
 * import { bcSslStart, linearProbe, pretrain } from "lib/experiments/mod.ts";
 * import { assertEquals, assertTrue } from "lib/testing/assert.ts";
 *
 * await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const options = { scale: "smoke", seed: 0, lrs: [0.01, 0.1], epochs: 5 } as const;
 * const { featureDim, courses } = await linearProbe(bcSslStart, options);
 * assertEquals(featureDim, 192);
 * for (const { lr, last } of courses) {
 *   console.log(`rate ${lr}: top-1 ${last.top1} after epoch ${last.epoch}`);
 *   assertTrue(last.top1 > 0.1, "better than guessing one of ten classes");
 * }
 * ```
 */
export async function linearProbe(
  config: RunKey["config"],
  { scale, seed, of = "teacher", augment = false, fresh = false, world = alone, ...options }:
    LinearProbeVerbOptions,
): Promise<LinearProbeResult> {
  const { lrs = augment ? augmentedRates : probeRates, signal } = options;
  const { epochs = probeEpochsAt(scale), batchSize = probeBatch, holdOut, lastBlocks, avgPool } =
    options;
  checkCombination(holdOut, of, augment);
  const experiment = openExperiment({ config, scale, seed });
  const weights = findSubject(experiment.key, of);
  const { folder, version } = weights;
  const decides = { of, version, augment, lrs, epochs, batchSize, holdOut, lastBlocks, avgPool };
  await requireSamePictures(folder, experiment.key);
  const withTask = async <T>(use: (task: ProbeTask) => Promise<T>): Promise<T> => {
    const { train, test } = await experiment.labelledData("train a linear probe");
    if (world.rank === 0) await recordPictures(folder, experiment.key);
    using model = of === "pixels" ? null : await loadSubject(experiment.key, of, weights);
    return await use({
      ...{ train, test, model, holdOut, crops: experiment.recipe.crops, world },
      blocks: { lastBlocks, avgPool },
      options: { numClasses: train.classNames.length, lrs, epochs, batchSize },
      rng: createRng(seed).fork("linear probe"),
      pause: interruptible(`the linear probe of ${folder.id}`, signal),
      onStep: reporter(options),
    });
  };
  const work = {
    compute: async () => {
      const result = await withTask(augment ? augmentedProbe : cachedProbe);
      return { run: folder.id, scale, seed, of, version, ...result };
    },
    help: () => withTask((task) => helpWithProbe(task, augment)),
  };
  return await evaluatedTogether(folder, { name: "linear", options: decides, fresh }, work, world);
}

function checkCombination(
  holdOut: number | undefined,
  of: SubjectOrPixels,
  augment: boolean,
): void {
  if (augment && (of === "pixels" || holdOut !== undefined)) {
    const what = of === "pixels" ? "pixels" : "images that are held out";
    throw new RangeError(`Cannot augment ${what}: they are read whole`);
  }
  if (holdOut !== undefined && !(holdOut > 0 && holdOut < 1)) {
    throw new RangeError(`Cannot hold out a share of ${holdOut}: need a fraction between 0 and 1`);
  }
}

/** Passes the steps of a probe on to whoever watches. */
function reporter({ onStart, onEvent }: TrainHooks): ProbeTask["onStep"] {
  return async ({ step, totalSteps, losses, tested }) => {
    if (step === 1) await onStart?.([], totalSteps);
    const metrics = {
      loss: Math.min(...losses),
      ...(tested ? { linearTop1: tested.top1, linearTop5: tested.top5 } : {}),
    };
    await onEvent?.({ step, totalSteps, metrics });
  };
}

/** Everything a probe is trained from. */
interface ProbeTask {
  readonly train: ImageSource;
  readonly test: ImageSource;
  /** `null`: the pixels are the features. */
  readonly model: Model | null;
  readonly crops: CropRecipe;
  readonly world: World;
  readonly blocks: ProbeFeatureOptions;
  readonly holdOut: number | undefined;
  readonly options: LinearProbeOptions;
  readonly rng: Rng;
  readonly pause: () => Promise<void>;
  readonly onStep: (step: ProbeStep) => Promise<void>;
}

type ProbeOutcome = Pick<LinearProbeResult, "featureDim" | "courses">;

/** Trains on features of the whole images, computed once. */
async function cachedProbe(task: ProbeTask): Promise<ProbeOutcome> {
  const { holdOut, options, rng } = task;
  using trainBank = await cachedBank(task.train, task);
  using testBank = holdOut === undefined ? await cachedBank(task.test, task) : null;
  const all = cachedSource(trainBank);
  const [train, test] = testBank
    ? [all, cachedSource(testBank)]
    : heldOutSources(all, holdOut!, rng);
  const steps = trainLinearProbe(train, test, options, rng);
  const courses = await drive(steps, task.pause, task.onStep);
  return { featureDim: trainBank.dim, courses };
}

/** Trains on features of new crops in every epoch, tests on the whole images. */
async function augmentedProbe(task: ProbeTask): Promise<ProbeOutcome> {
  const { model, blocks, options, rng, crops: { globalSize: size, stats } } = task;
  using testBank = await cachedBank(task.test, task);
  using labelledCrops = openLabelledCrops(task.train, {
    ...{ size, stats, scale: probeCropScale, rng: rng.fork("crops") },
  });
  const train = await augmentedSource(model!, labelledCrops, blocks);
  const steps = trainLinearProbe(train, cachedSource(testBank), options, rng);
  const courses = await drive(steps, task.pause, task.onStep);
  return { featureDim: testBank.dim, courses };
}

/** A random share of the images to test on, and the rest to train on. */
function heldOutSources(
  all: ProbeSource,
  share: number,
  rng: Rng,
): readonly [train: ProbeSource, test: ProbeSource] {
  const order = rng.fork("held out").permutation(all.labels.length);
  const count = Math.round(share * order.length);
  return [partOf(all, order.subarray(count)), partOf(all, order.subarray(0, count))];
}

/** Features of the whole images; without a model, the images themselves. */
async function cachedBank(source: ImageSource, task: ProbeTask): Promise<OwnedBank> {
  const { model, crops, pause } = task;
  if (model === null) return await pixelBank(source, crops, pause);
  return await readFeatureBank(readerOf(model, task), source, optionsOf(task), pause);
}

/** Computes this process's part of the features that process 0 reads for its probe. */
async function helpWithProbe(task: ProbeTask, augment: boolean): Promise<void> {
  const { model, train, test, holdOut } = task;
  if (model === null) return;
  const sources = augment ? [test] : holdOut === undefined ? [train, test] : [train];
  for (const source of sources) await helpToRead(readerOf(model, task), source, optionsOf(task));
}

function readerOf(model: Model, { blocks }: ProbeTask): FeatureReader {
  return (x) => probeFeatures(model, x, blocks);
}

const optionsOf = ({ crops, world }: ProbeTask) => ({ ...bankOptions(crops), world });
