/**
 * The verbs `knn` and `baselines`: k-NN accuracy of a network, of raw pixels, and of random
 * weights.
 */
import { alone, type World } from "lib/distributed/world.ts";
import { isStored } from "lib/datasets/pictures/stored_images.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { type KnnAccuracy, knnSteps } from "lib/eval/nearest/knn.ts";
import type { Model } from "lib/models/mod.ts";
import { evaluatedTogether } from "lib/experiments/measure/evaluated_together.ts";
import { recordPictures, requireSamePictures } from "lib/experiments/runs/pictures_record.ts";
import { drive, interruptible } from "lib/experiments/runs/pause.ts";
import {
  helpWithBanks,
  pixelBank,
  type SplitBanks,
  splitBanks,
  type SplitSources,
} from "lib/experiments/measure/feature_banks.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { openExperiment } from "lib/experiments/subjects/experiment.ts";
import {
  findSubject,
  loadSubject,
  type SubjectOrPixels,
} from "lib/experiments/subjects/subject.ts";
import type { PretrainConfig, RunKey, ScaleName } from "lib/experiments/configs/config.ts";
import type { TrainHooks } from "lib/runs/events.ts";

/**
 * k-NN accuracy of features that are read.
 *
 * @param pause Awaited several times a second, so that an interrupt is received; what it throws
 *   ends the evaluation.
 */
export async function knnOfBanks(
  { train, test }: Pick<SplitBanks, "train" | "test">,
  numClasses: number,
  pause: () => Promise<void>,
): Promise<KnnAccuracy[]> {
  return await drive(knnSteps(train, test, { numClasses }), pause);
}

/**
 * k-NN accuracy on the features of a network.
 *
 * @param crops The normalisation of the training, and the size to which pictures in files are
 *   cropped.
 * @param world The processes that compute the features together; the others call `helpWithBanks`.
 */
async function knnOfModel(
  model: Pick<Model, "forward">,
  data: SplitSources,
  crops: Pick<CropRecipe, "stats" | "globalSize">,
  pause: () => Promise<void>,
  world: World,
): Promise<KnnAccuracy[]> {
  using banks = await splitBanks(pooledFeatures(model), data, crops, pause, world);
  return await knnOfBanks(banks, data.train.classNames.length, pause);
}

/** k-NN accuracy on the images themselves; otherwise as {@linkcode knnOfModel}. */
async function knnOfPixels(
  data: SplitSources,
  crops: Pick<CropRecipe, "globalSize">,
  pause: () => Promise<void>,
): Promise<KnnAccuracy[]> {
  using train = await pixelBank(data.train, crops, pause);
  using test = await pixelBank(data.test, crops, pause);
  return await knnOfBanks({ train, test }, data.train.classNames.length, pause);
}

/** Which run to evaluate, and which of its weights. */
export interface KnnVerbOptions extends Pick<RunKey, "scale" | "seed">, Pick<TrainHooks, "signal"> {
  /** Whose features; `pixels` are the images themselves. By default the run's teacher. */
  readonly of?: SubjectOrPixels;
  /** Whether to evaluate again although the run's folder has the result. */
  readonly fresh?: boolean;
  /**
   * The processes that compute the features together: all call this with the same options. Process 0
   * looks for the neighbours. By default, this process alone.
   */
  readonly world?: World;
}

/** Numbers only. */
export interface KnnResult extends Pick<RunKey, "scale" | "seed"> {
  /** Id of the run. */
  readonly run: string;
  /** Whose features were compared. */
  readonly of: SubjectOrPixels;
  /** Version of the weights: `step 6240`. */
  readonly version: string;
  /** One entry for each k. */
  readonly accuracies: readonly KnnAccuracy[];
}

/**
 * Computes the k-NN accuracy of a run's teacher, of other weights of its network, or of raw pixels,
 * or loads the result from `outputs/`.
 *
 * @throws {Error} If the weights are not there, or `signal` was aborted.
 *
 * @example
 * ```ts
 * import { bcSslStart, knn, pretrain } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const { accuracies, version } = await knn(bcSslStart, { scale: "smoke", seed: 0 });
 * assertEquals(accuracies.map(({ k }) => k), [10, 20, 100, 200]);
 * assertEquals(version, "step 16");
 * console.log(`top-1 of 20 neighbours: ${100 * accuracies[1]!.top1} %`);
 * ```
 */
export async function knn(
  config: PretrainConfig,
  { scale, seed, of = "teacher", fresh = false, signal, world = alone }: KnnVerbOptions,
): Promise<KnnResult> {
  const { key, recipe: { crops }, labelledData } = openExperiment({ config, scale, seed });
  const weights = findSubject(key, of);
  const { folder, version } = weights;
  await requireSamePictures(folder, key);
  const pause = interruptible(`the k-NN of ${folder.id}`, signal);
  const work = {
    compute: async () => {
      const data = await labelledData("score a k-NN");
      await recordPictures(folder, key);
      using model = of === "pixels" ? null : await loadSubject(key, of, weights);
      const accuracies = model
        ? await knnOfModel(model, data, crops, pause, world)
        : await knnOfPixels(data, crops, pause);
      return { run: folder.id, scale, seed, of, version, accuracies };
    },
    help: async () => {
      if (of === "pixels") return;
      const data = await labelledData("score a k-NN");
      using model = await loadSubject(key, of, weights);
      await helpWithBanks(pooledFeatures(model), data, crops, world);
    },
  };
  const options = { name: "knn", options: { of, version }, fresh };
  return await evaluatedTogether(folder, options, work, world);
}

/** Accuracies that a trained network has to beat; fractions. */
export interface Baselines {
  /**
   * Accuracy of always guessing one class: the share of the largest class among the test images.
   */
  readonly chance: number;
  /**
   * k-NN by the cosine between images; empty for pictures in files, which are too large and too
   * many.
   */
  readonly pixels: readonly KnnAccuracy[];
  /** k-NN of the backbone with its first weights, one entry for each seed. */
  readonly randomInit: readonly (readonly KnnAccuracy[])[];
}

/**
 * Computes the k-NN without any training, on the images that {@linkcode pretrain} uses, or loads
 * the results from the folders of those runs.
 *
 * @example
 * ```ts
 * import { baselines, bcSslStart } from "lib/experiments/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const { chance, pixels } = await baselines(bcSslStart, { scale: "smoke", seeds: [0] });
 * assertTrue(pixels[0]!.top1 > 2 * chance, "pixels alone tell many clothes apart");
 * ```
 */
export async function baselines(
  config: PretrainConfig,
  { scale, seeds }: { readonly scale: ScaleName; readonly seeds: readonly number[] },
): Promise<Baselines> {
  const { labelledData } = openExperiment({ config, scale, seed: seeds[0] ?? 0 });
  const { train, test } = await labelledData("score baselines");
  const counts = new Array<number>(train.classNames.length).fill(0);
  for (const label of test.labels) counts[label]!++;
  const accuraciesOf = async (of: SubjectOrPixels, seed: number) =>
    (await knn(config, { scale, seed, of })).accuracies;
  const randomInit: (readonly KnnAccuracy[])[] = [];
  for (const seed of seeds) randomInit.push(await accuraciesOf("init", seed));
  return {
    chance: Math.max(...counts) / test.labels.length,
    pixels: isStored(train) ? [] : await accuraciesOf("pixels", seeds[0] ?? 0),
    randomInit,
  };
}
