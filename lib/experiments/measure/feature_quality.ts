/**
 * The verb `featureQuality`: what a run's features say of their quality without labels, by RankMe,
 * α-ReQ and LiDAR.
 */
import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { type FeatureReader, pooledFeatures } from "lib/eval/features/features.ts";
import { featureSpectra } from "lib/eval/quality/feature_spectra.ts";
import { lidar, type ViewFeatures } from "lib/eval/quality/lidar.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { createCropper } from "lib/ssl/views/cropper.ts";
import { viewTensors } from "lib/ssl/views/views.ts";
import { takeValues } from "lib/train/reading.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import type { RunKey, ScaleName } from "lib/experiments/configs/config.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { drive, interruptible } from "lib/experiments/runs/pause.ts";
import { recordPictures, requireSamePictures } from "lib/experiments/runs/pictures_record.ts";
import { openExperiment } from "lib/experiments/subjects/experiment.ts";
import { findSubject, loadSubject, type Subject } from "lib/experiments/subjects/subject.ts";

/** Which run to evaluate, and which of its weights. */
export interface FeatureQualityOptions
  extends Pick<RunKey, "scale" | "seed">, Pick<TrainHooks, "signal"> {
  /** Whose features. By default the run's teacher. */
  readonly of?: Subject;
  /** Whether to evaluate again although the run's folder has the result. */
  readonly fresh?: boolean;
}

/** Numbers only. None of them needs a label. */
export interface FeatureQuality extends Pick<RunKey, "scale" | "seed"> {
  /** Id of the run. */
  readonly run: string;
  /** Whose features were measured. */
  readonly of: Subject;
  /** Version of the weights: `step 6240`. */
  readonly version: string;
  /** D, the number of features of an image. */
  readonly featureDim: number;
  /** N, the number of training images whose features gave RankMe and α-ReQ. */
  readonly images: number;
  /**
   * RankMe (Garrido et al. 2023): how many directions the features fill, from 1 to min(N, D).
   * Higher is better.
   */
  readonly rankMe: number;
  /**
   * α-ReQ (Agrawal et al. 2022): the exponent by which the covariance's eigenvalues fall off from
   * rank 4 to rank 100. Its paper finds features good where it is near 1. NaN after a collapse.
   */
  readonly alphaReQ: number;
  /** LiDAR was measured on so many images. */
  readonly lidarImages: number;
  /** Views of each of them. */
  readonly lidarViews: number;
  /**
   * LiDAR (Thilak et al. 2024): how many directions tell images apart beside their views, up to
   * min(`lidarImages` − 1, D). Higher is better.
   */
  readonly lidar: number;
}

/**
 * Images and views of each for LiDAR. The paper takes 1,000 and 50; a laptop's networks have fewer
 * features, so that 400 images are still more than there are features.
 */
const lidarSample = {
  smoke: { images: 20, views: 4 },
  laptop: { images: 400, views: 10 },
  paper: { images: 1000, views: 50 },
} as const satisfies Record<ScaleName, { images: number; views: number }>;

/**
 * Measures the quality of a finished run's features without labels, or loads the result from
 * `outputs/`. RankMe and α-ReQ are those of the run's last monitor, on the whole training images;
 * LiDAR is measured on global views by the run's own recipe of crops, of 20 images with 4 views
 * each at `smoke`, 400 with 10 at `laptop`, 1,000 with 50 at `paper`.
 *
 * Cost at `laptop`: 6 to 12 seconds on one core, for a forward pass of the training images and of
 * 4,000 views.
 *
 * @throws {Error} If the weights are not there, or `signal` was aborted.
 * @throws {RangeError} If there are fewer than two images, or a feature is not finite.
 *
 * @example
 * ```ts
 * import { bcSslStart, featureQuality, pretrain } from "lib/experiments/mod.ts";
 * import { assertEquals, assertTrue } from "lib/testing/assert.ts";
 *
 * const run = await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const quality = await featureQuality(bcSslStart, { scale: "smoke", seed: 0 });
 * assertEquals(quality.rankMe, run.history.at(-1)!.metrics.rankMe);
 * assertTrue(quality.lidar < quality.lidarImages, "images less one");
 * console.log(quality.rankMe, quality.alphaReQ, quality.lidar);
 * ```
 */
export async function featureQuality(
  config: RunKey["config"],
  { scale, seed, of = "teacher", fresh = false, signal }: FeatureQualityOptions,
): Promise<FeatureQuality> {
  const experiment = openExperiment({ config, scale, seed });
  const weights = findSubject(experiment.key, of);
  const { folder, version } = weights;
  const sample = lidarSample[scale];
  await requireSamePictures(folder, experiment.key);
  const decides = { of, version, lidar: sample };
  return await evaluated(folder, { name: "quality", options: decides, fresh }, async () => {
    const { pretrain, train } = await experiment.data();
    await recordPictures(folder, experiment.key);
    const { crops } = experiment.recipe;
    const pause = interruptible(`the feature quality of ${folder.id}`, signal);
    using model = await loadSubject(experiment.key, of, weights);
    const read = pooledFeatures(model);
    using bank = await readFeatureBank(read, train, bankOptions(crops), pause);
    const spectral = await drive(featureSpectra(bank), pause);
    const rng = createRng(seed).fork("LiDAR");
    const views = await viewFeatures(read, pretrain, { ...sample, crops, rng, pause });
    return {
      ...{ run: folder.id, scale, seed, of, version, featureDim: bank.dim, ...spectral },
      lidarImages: views.images,
      lidarViews: views.views,
      lidar: await drive(lidar(views), pause),
    };
  });
}

interface ViewOptions {
  /** Most images, spread over the set. */
  readonly images: number;
  /** Views of each image, an even number: a batch has two of each. */
  readonly views: number;
  readonly crops: CropRecipe;
  readonly rng: Rng;
  readonly pause: () => Promise<void>;
}

const imagesAtOnce = 64;

/** Reads the features of several global views of some images. */
async function viewFeatures(
  read: FeatureReader,
  source: ImageSource,
  { images, views, crops, rng, pause }: ViewOptions,
): Promise<ViewFeatures> {
  const recipe = { ...crops, localCrops: 0 };
  using cropper = createCropper(source, recipe, { rng });
  const chosen = evenIndices(imageCount(source), images);
  let features = new Float32Array();
  for (let first = 0, step = 0; first < chosen.length; first += imagesAtOnce) {
    const part = Uint32Array.from(chosen.slice(first, first + imagesAtOnce));
    for (let view = 0; view < views; view += 2, step++) {
      const batch = await cropper.next(part, step);
      const values = await takeValues(tf.tidy(() => read(viewTensors(batch, recipe).global)));
      const dim = values.length / (2 * part.length);
      if (features.length === 0) features = new Float32Array(chosen.length * views * dim);
      for (let row = 0; row < 2 * part.length; row++) { // all images' first views, then the second
        const image = first + row % part.length;
        const place = image * views + view + Math.floor(row / part.length);
        features.set(values.subarray(row * dim, (row + 1) * dim), place * dim);
      }
      await pause();
    }
  }
  return { features, images: chosen.length, views };
}
