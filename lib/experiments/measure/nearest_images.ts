/**
 * The verb `nearestImages`: the images that a network, trained or not, or a comparison of pixels,
 * finds most alike.
 */
import { type ImageSet, subset } from "lib/datasets/pictures/images.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import { takeImages } from "lib/datasets/pictures/center_crops.ts";
import { type ImageSource, inMemory } from "lib/datasets/pictures/stored_images.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { pixelFeatures, pooledFeatures } from "lib/eval/features/features.ts";
import { nearestNeighbours, type Neighbours } from "lib/eval/nearest/neighbours.ts";
import { recordPictures, requireSamePictures } from "lib/experiments/runs/pictures_record.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import type { RunKey } from "lib/experiments/configs/config.ts";
import { type Experiment, openExperiment } from "lib/experiments/subjects/experiment.ts";
import {
  findSubject,
  loadSubject,
  type Subject,
  type SubjectOrPixels,
  type SubjectWeights,
} from "lib/experiments/subjects/subject.ts";

/** Which run to ask, about which images, and for how many neighbours. */
export interface NearestImagesOptions extends Omit<RunKey, "config"> {
  /**
   * Indices of the test images to start from; by default, the first image of each class, or eight
   * images where there are no classes.
   */
  readonly queries?: readonly number[];
  /** Neighbours per query; by default 8. */
  readonly k?: number;
  /** What is compared: a network's features, by default those of the trained teacher, or the pixels. */
  readonly by?: SubjectOrPixels;
}

/** Rows of images, each a query followed by its neighbours, nearest first. */
export interface NearestImages {
  /** `rows × (1 + k)` images, row by row. */
  readonly images: ImageSet;
  /** Images in a row: 1 + k. */
  readonly columns: number;
  /**
   * For each image, whether it has the class of its query; true for the queries themselves, and
   * where there are no classes.
   */
  readonly sameClass: readonly boolean[];
}

/**
 * Finds the training images nearest to some test images by cosine. Their indices are kept in the
 * run's folder.
 *
 * @throws {Error} If a network's weights are not there.
 *
 * @example
 * ```ts
 * import { bcSslStart, nearestImages } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const options = { scale: "smoke", seed: 0, k: 3, queries: [0, 1], by: "pixels" } as const;
 * const { images, columns } = await nearestImages(bcSslStart, options);
 * assertEquals([columns, images.labels.length], [4, 8]); // rows of a query and three
 * ```
 */
export async function nearestImages(
  config: RunKey["config"],
  { scale, seed, k = 8, by = "teacher", queries }: NearestImagesOptions,
): Promise<NearestImages> {
  const experiment = openExperiment({ config, scale, seed });
  const { train, test } = await experiment.data();
  const { globalSize: size } = experiment.recipe.crops;
  const weights = findSubject(experiment.key, by);
  const { folder, version } = weights;
  await requireSamePictures(folder, experiment.key);
  const wanted = queries ?? firstOfEachClass(test);
  const chosen = await takeImages(test, wanted, { size });
  const decides = { by, version, queries: wanted, k };
  const kept = { name: "neighbours", options: decides, fresh: false };
  const indices = await evaluated(folder, kept, async () => {
    await recordPictures(folder, experiment.key);
    const { indices } = by === "pixels"
      ? await nearestNeighbours(
        pixelFeatures(inMemory(train, "compare pixels")),
        pixelFeatures(chosen),
        k,
      )
      : await nearestByNetwork(experiment, by, weights, train, chosen, k);
    return [...indices];
  });
  const nearest = await takeImages(train, indices, { size });
  const rows = Array.from(chosen.labels, (_, row) => [
    subset(chosen, [row]),
    subset(nearest, Array.from({ length: k }, (_, i) => row * k + i)),
  ]);
  const images = concat(rows.flat());
  const sameClass = Array.from(
    images.labels,
    (label, i) => label === images.labels[i - i % (k + 1)],
  );
  return { images, columns: k + 1, sameClass };
}

const queriesWithoutClasses = 8;

/** The first image of each class; without classes, some images that are spread over the set. */
function firstOfEachClass({ labels, classNames }: ImageSource): number[] {
  if (classNames.length === 0) return evenIndices(labels.length, queriesWithoutClasses);
  return classNames.map((_, label) => labels.indexOf(label)).filter((index) => index >= 0);
}

async function nearestByNetwork(
  { key, recipe: { crops } }: Experiment,
  of: Subject,
  weights: SubjectWeights,
  train: ImageSource,
  chosen: ImageSet,
  k: number,
): Promise<Neighbours> {
  using network = await loadSubject(key, of, weights);
  const read = pooledFeatures(network);
  using bank = await readFeatureBank(read, train, bankOptions(crops));
  using probes = await readFeatureBank(read, chosen, bankOptions(crops));
  return await nearestNeighbours(bank, probes, k);
}

/** Joins sets of images of one size. */
function concat(sets: readonly ImageSet[]): ImageSet {
  const pixels = new Uint8Array(sets.reduce((sum, set) => sum + set.pixels.length, 0));
  let at = 0;
  for (const set of sets) {
    pixels.set(set.pixels, at);
    at += set.pixels.length;
  }
  return {
    ...sets[0]!,
    pixels,
    labels: Int32Array.from(sets.flatMap((set) => [...set.labels])),
    ids: sets.flatMap((set) => set.ids),
    masks: undefined,
  };
}
