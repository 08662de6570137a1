/** The verb `linearProbe`: how well a linear classifier does on a run's features (the paper's "linear", Tables 1 to 3). */
import type * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";
import { type OwnedBank, readFeatureBank } from "lib/eval/features/feature_source.ts";
import { type ProbeFeatureOptions, probeFeatures } from "lib/eval/features/probe_features.ts";
import { openLabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import {
  augmentedSource,
  cachedSource,
  partOf,
  probeCropScale,
} from "lib/eval/probe/probe_sources.ts";
import {
  type LinearProbeOptions,
  type ProbeCourse,
  type ProbeSource,
  trainAwaitedProbe,
  trainLinearProbe,
} from "lib/eval/probe/train_linear_probe.ts";
import type { Model } from "lib/models/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import { recipeAt, type RunKey, sizesAt } from "lib/experiments/configs/config.ts";
import { openData } from "lib/experiments/configs/data.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { bankOptions, pixelBank } from "lib/experiments/measure/feature_banks.ts";
import { drive, interruptible } from "lib/experiments/runs/pause.ts";
import { type Features, findFeatures, loadSubject } from "lib/experiments/subjects/subject.ts";

export interface LinearProbeVerbOptions
  extends
    Pick<RunKey, "scale" | "seed">,
    Omit<LinearProbeOptions, "numClasses">,
    ProbeFeatureOptions,
    TrainHooks {
  /** Whose features; `pixels` are the images themselves, 0–1. By default the run's teacher. */
  readonly of?: Features;
  /**
   * The reference's way: features of new crops of every image in every epoch, at one learning rate, 0.001. By default they are
   * computed once, from the whole images, and several rates are tried.
   */
  readonly augment?: boolean;
  /**
   * Share of the training images that are kept out of training and tested on in the place of the test images: to choose a rate by
   * them. By default, none.
   */
  readonly holdOut?: number;
  /** Forget what is in the run's folder and train again. */
  readonly fresh?: boolean;
}

/** Numbers only. */
export interface LinearProbeResult extends Pick<RunKey, "scale" | "seed"> {
  readonly run: string;
  readonly of: Features;
  /** Of the weights: `step 6240`. */
  readonly version: string;
  /** D. */
  readonly featureDim: number;
  /** One for each learning rate. To take the best of several by their accuracy is to choose on the test images. */
  readonly courses: readonly ProbeCourse[];
}

/** Tried beside each other where features are cached: around the reference's 0.001, up to what its ResNet-50 was given. */
export const probeRates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3] as const;

/**
 * Trains linear classifiers on frozen features, or loads what `outputs/` has.
 *
 * @throws {Error} If the run is not there, or `signal` was aborted: nothing is kept then.
 * @throws {RangeError} If an option makes no sense for the network; see `probeFeatures`.
 */
export async function linearProbe(
  config: RunKey["config"],
  { scale, seed, of = "teacher", augment = false, fresh = false, ...options }:
    LinearProbeVerbOptions,
): Promise<LinearProbeResult> {
  const { lrs = augment ? [0.001] : probeRates, epochs = 100, batchSize = 256 } = options;
  const { holdOut, lastBlocks, avgPool, signal, onStart, onEvent } = options;
  const key = { config, scale, seed };
  checkCombination(options.holdOut, of, augment);
  const found = findFeatures(key, of);
  const { folder, version } = found;
  const decides = { of, version, augment, lrs, epochs, batchSize, holdOut, lastBlocks, avgPool };
  return await evaluated(folder, { name: "linear", options: decides, fresh }, async () => {
    const data = await openData(config.data, sizesAt(config, scale));
    const rng = createRng(seed).fork("linear probe");
    const pause = interruptible(`the linear probe of ${folder.id}`, signal);
    using model = of === "pixels" ? null : await loadSubject(key, of, found);
    const { crops } = recipeAt(config, scale);
    const blocks = { lastBlocks, avgPool };
    const cached = async (source: ImageSource) =>
      await cachedBank(source, model, crops, blocks, pause);
    using whole = augment ? null : await cached(data.train);
    using tested = holdOut === undefined ? await cached(data.test) : null;
    const augmented = { size: crops.globalSize, scale: probeCropScale, stats: crops.stats };
    using drawn = augment
      ? openLabelledCrops(data.train, { ...augmented, rng: rng.fork("crops") })
      : null;
    const how = { numClasses: data.train.classNames.length, lrs, epochs, batchSize };
    const test = tested && cachedSource(tested);
    const steps = drawn
      ? trainAwaitedProbe(await augmentedSource(model!, drawn, blocks), test!, how, rng)
      : trainLinearProbe(...trainAndTest(cachedSource(whole!), test ?? holdOut!, rng), how, rng);
    const courses = await drive(steps, pause, async ({ step, totalSteps, losses, tested }) => {
      if (step === 1) await onStart?.([], totalSteps);
      const metrics = {
        loss: Math.min(...losses),
        ...(tested ? { linearTop1: tested.top1, linearTop5: tested.top5 } : {}),
      };
      await onEvent?.({ step, totalSteps, metrics });
    });
    return {
      run: folder.id,
      scale,
      seed,
      of,
      version,
      featureDim: (tested ?? whole!).dim,
      courses,
    };
  });
}

function checkCombination(holdOut: number | undefined, of: Features, augment: boolean): void {
  if (augment && (of === "pixels" || holdOut !== undefined)) {
    const what = of === "pixels" ? "pixels" : "images that are held out";
    throw new RangeError(`Cannot augment ${what}: they are read whole`);
  }
  if (holdOut !== undefined && !(holdOut > 0 && holdOut < 1)) {
    throw new RangeError(`Cannot hold out a share of ${holdOut}: need a fraction between 0 and 1`);
  }
}

/** All training images and the test images, or what is left of the former, and the share of them that is held out. */
function trainAndTest(
  all: ProbeSource,
  test: ProbeSource | number,
  rng: Rng,
): [ProbeSource, ProbeSource] {
  if (typeof test !== "number") return [all, test];
  const order = rng.fork("held out").permutation(all.labels.length);
  const count = Math.round(test * order.length);
  return [partOf(all, order.subarray(count)), partOf(all, order.subarray(0, count))];
}

/** Features of the whole images; without a model, the images themselves. */
async function cachedBank(
  source: ImageSource,
  model: Model | null,
  crops: CropRecipe,
  blocks: ProbeFeatureOptions,
  pause: () => Promise<void>,
): Promise<OwnedBank> {
  if (model === null) return await pixelBank(source, crops, pause);
  const read = (x: tf.Tensor4D) => probeFeatures(model, x, blocks);
  return await readFeatureBank(read, source, bankOptions(crops), pause);
}
