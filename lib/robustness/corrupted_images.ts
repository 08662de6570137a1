/**
 * Corrupted image sets. Each image is corrupted by its own random stream, so it comes out the same
 * in whatever set and order it stands.
 */
import { raster } from "lib/augment/mod.ts";
import { centerCrops } from "lib/datasets/pictures/center_crops.ts";
import { imageCount, type ImageSet, subset } from "lib/datasets/pictures/images.ts";
import { openImageNetC } from "lib/datasets/imagenet/imagenet_variants.ts";
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";
import type { CorruptedBatches } from "lib/robustness/corruption_error.ts";
import { corrupt, type CorruptionSeries } from "lib/robustness/corruptions/corruptions.ts";
import {
  type CorruptionName,
  severities,
  type Severity,
} from "lib/robustness/corruptions/severities.ts";
import { createRng } from "lib/rng.ts";

/** Corruption and severity. */
export interface CorruptionOptions {
  readonly name: CorruptionName;
  readonly severity: Severity;
  /** Series of severities; by default ImageNet-C's. */
  readonly series?: CorruptionSeries;
  /** Seed of everything random, together with an image's id. */
  readonly seed?: number;
}

/**
 * Corrupts the images of a set. Masks stay those of the original images.
 *
 * Differs: ImageNet-C's files were then saved as JPEGs of quality 85; these are not.
 *
 * @throws {RangeError} As `corrupt`.
 */
export async function corruptedImages(
  set: ImageSet,
  { name, severity, series, seed = 0 }: CorruptionOptions,
): Promise<ImageSet> {
  const { width, height } = set;
  const size = width * height * 3;
  const rng = createRng(seed).fork(name).fork(severity);
  const pixels = new Uint8Array(set.pixels.length);
  for (let i = 0; i < imageCount(set); i++) {
    const image = raster(width, height, 3, set.pixels.subarray(i * size, (i + 1) * size));
    const { data } = await corrupt(image, name, severity, rng.fork(set.ids[i]!), series);
    pixels.set(data, i * size);
  }
  return { ...set, name: `${set.name}, ${name} ${severity}`, pixels };
}

export interface CorruptedBatchesOptions {
  /** Side in pixels; images in memory keep their size. */
  readonly size: number;
  /** Images at a time. */
  readonly batchSize?: number;
}

/** Batches of a test set, centre-cropped as for an evaluation, then corrupted by us. */
export function corruptedBatches(
  source: ImageSource,
  { seed, series, ...options }:
    & CorruptedBatchesOptions
    & Pick<CorruptionOptions, "seed" | "series">,
): CorruptedBatches {
  return async function* (name, severity) {
    for await (const images of centerCrops(source, options)) {
      yield await corruptedImages(images, { name, severity, seed, series });
    }
  };
}

/**
 * One image in several corruptions, for a grid with a column for each: the original, then the five
 * severities.
 *
 * @param set Set whose first image is used.
 * @returns `6 × names` images, row by row.
 */
export async function corruptionSheet(
  set: ImageSet,
  names: readonly CorruptionName[],
  series?: CorruptionSeries,
): Promise<ImageSet> {
  const image = subset(set, [0]);
  const rows = [names.map(() => image)];
  for (const severity of severities) {
    const options = names.map((name) => ({ name, severity, series }));
    rows.push(await Promise.all(options.map((how) => corruptedImages(image, how))));
  }
  const all = subset(set, Array(rows.flat().length).fill(0));
  rows.flat().forEach(({ pixels }, i) => all.pixels.set(pixels, i * pixels.length));
  return { ...all, name: `${image.ids[0]}, corrupted` };
}

/**
 * Batches of ImageNet-C's own files, which are already cut to 224 pixels.
 *
 * @param folder As for `openImageNetC`, whose errors the batches throw.
 */
export function imageNetCBatches(
  folder: string,
  { size, batchSize }: CorruptedBatchesOptions = { size: 224 },
): CorruptedBatches {
  return async function* (name, severity) {
    const source = await openImageNetC(folder, name, severity);
    yield* centerCrops(source, { size, shortSide: size, batchSize });
  };
}
