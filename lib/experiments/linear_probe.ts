/** The verb `linearProbe`: how well a linear classifier does on a run's features (the paper's "linear", Tables 1 to 3). */
import type * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { type ImageSource, inMemory } from "lib/datasets/stored_images.ts";
import { bankOf } from "lib/eval/feature_bank.ts";
import { type OwnedBank, readFeatureBank } from "lib/eval/feature_source.ts";
import { pixelFeatures } from "lib/eval/features.ts";
import { type ProbeFeatureOptions, probeFeatures } from "lib/eval/probe_features.ts";
import { augmentedSource, cachedSource } from "lib/eval/probe_sources.ts";
import {
  type LinearProbeOptions,
  type ProbeCourse,
  trainLinearProbe,
} from "lib/eval/train_linear_probe.ts";
import type { Model } from "lib/models/mod.ts";
import type { CropRecipe } from "lib/ssl/dino/crops.ts";
import type { TrainHooks } from "lib/train/events.ts";
import { recipeAt, type RunKey, sizesAt } from "lib/experiments/config.ts";
import { openData } from "lib/experiments/data.ts";
import { evaluated } from "lib/experiments/evaluations.ts";
import { bankOptions } from "lib/experiments/knn.ts";
import { drive, interruptible } from "lib/experiments/pause.ts";
import { runFolder } from "lib/experiments/runs.ts";
import { findSubject, loadSubject, type Subject } from "lib/experiments/subject.ts";

export interface LinearProbeVerbOptions
  extends
    Pick<RunKey, "scale" | "seed">,
    Omit<LinearProbeOptions, "numClasses">,
    ProbeFeatureOptions,
    TrainHooks {
  /** Whose features; `pixels` are the images themselves, 0–1. By default the run's teacher. */
  readonly of?: Subject | "pixels";
  /**
   * The reference's way: features of new crops of every image in every epoch, at one learning rate, 0.001. By default they are
   * computed once, from the whole images, and several rates are tried.
   */
  readonly augment?: boolean;
  /** Forget what is in the run's folder and train again. */
  readonly fresh?: boolean;
}

/** Numbers only. */
export interface LinearProbeResult extends Pick<RunKey, "scale" | "seed"> {
  readonly run: string;
  readonly of: Subject | "pixels";
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
  const { lastBlocks, avgPool, signal, onStart, onEvent } = options;
  const key = { config, scale, seed };
  if (of === "pixels" && augment) {
    throw new RangeError("Cannot augment pixels: they are read whole");
  }
  const found = of === "pixels"
    ? { folder: runFolder(key), version: "as they are" }
    : findSubject(key, of);
  const { folder, version } = found;
  const decides = { of, version, augment, lrs, epochs, batchSize, lastBlocks, avgPool };
  return await evaluated(folder, { name: "linear", options: decides, fresh }, async () => {
    const data = await openData(config.data, sizesAt(config, scale));
    const rng = createRng(seed).fork("linear probe");
    const pause = interruptible(`the linear probe of ${folder.id}`, signal);
    using model = of === "pixels" ? null : await loadSubject(key, of, found);
    const { crops } = recipeAt(config, scale);
    const blocks = { lastBlocks, avgPool };
    using test = await cachedBank(data.test, model, crops, blocks, pause);
    using cached = augment ? null : await cachedBank(data.train, model, crops, blocks, pause);
    const augmented = { stats: crops.stats, ...blocks };
    const train = cached ? cachedSource(cached) : augmentedSource(
      model!,
      inMemory(data.train, "probe augmented images"),
      augmented,
      rng.fork("crops"),
    );
    const numClasses = data.train.classNames.length;
    const steps = trainLinearProbe(train, cachedSource(test), {
      numClasses,
      lrs,
      epochs,
      batchSize,
    }, rng);
    const courses = await drive(steps, pause, async ({ step, totalSteps, losses, tested }) => {
      if (step === 1) await onStart?.([], totalSteps);
      const metrics = {
        loss: Math.min(...losses),
        ...(tested ? { linearTop1: tested.top1, linearTop5: tested.top5 } : {}),
      };
      await onEvent?.({ step, totalSteps, metrics });
    });
    return { run: folder.id, scale, seed, of, version, featureDim: train.dim, courses };
  });
}

/** Features of the whole images; without a model, the images themselves. */
async function cachedBank(
  source: ImageSource,
  model: Model | null,
  crops: CropRecipe,
  blocks: ProbeFeatureOptions,
  pause: () => Promise<void>,
): Promise<OwnedBank> {
  if (model === null) {
    const pixels = pixelFeatures(inMemory(source, "probe raw pixels"));
    return { ...bankOf(pixels, "image"), [Symbol.dispose]() {} };
  }
  const read = (x: tf.Tensor4D) => probeFeatures(model, x, blocks);
  return await readFeatureBank(read, source, bankOptions(crops), pause);
}
