/** Whole sets corrupted, an image at a time, so that an image is corrupted alike in whatever set and order it comes. */
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

/** Which corruption. */
export interface CorruptionOptions {
  readonly name: CorruptionName;
  readonly severity: Severity;
  /** By default ImageNet-C's. */
  readonly series?: CorruptionSeries;
  /** Of everything random; with it, an image's id decides. */
  readonly seed?: number;
}

/**
 * The images of a set, corrupted. Masks are those of the images as they were.
 *
 * Differs: ImageNet-C's files were saved once more as JPEGs of quality 85; these are not.
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
  /** Pixels a side; images in memory come as large as they are. */
  readonly size: number;
  /** Images at a time. */
  readonly batchSize?: number;
}

/** A test set cut to its centre, as it is evaluated, and corrupted by us. */
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
 * One image by several corruptions, for a grid with a column for each: as it is, then by the five severities.
 *
 * @param set Of which the first image is taken.
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
 * ImageNet-C's own files, which are cut to 224 pixels already.
 *
 * @param folder As `openImageNetC` takes it; what it throws, the batches throw.
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
