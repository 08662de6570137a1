/** Opens the images that a data config and a scale ask for, in memory or in their files. */
import {
  centerCrops,
  imageCount,
  type ImageSet,
  type ImageSource,
  isStored,
  loadCifar10,
  loadCifar100,
  loadEmoji,
  loadFashionMnist,
  loadLabelledScenes,
  openFolderPair,
  openImageNet,
  openStl10Unlabelled,
  openTransferSet,
  type StoredImages,
  takeImages,
  thinned,
  transferSets,
  unlabelled,
} from "lib/datasets/mod.ts";
import { dataFolder } from "lib/datasets/files/data_folder.ts";
import type { DataConfig, Scale } from "./config.ts";

/** A data set as pre-training and evaluation see it. */
export interface DataSplit {
  /**
   * The images for pre-training, without labels. They are more than `train` if some images have no
   * label.
   */
  readonly pretrain: ImageSource;
  /** The images among which the k-NN looks for neighbours. */
  readonly train: ImageSource;
  /** The images that are classified to measure accuracy; no method is trained on them. */
  readonly test: ImageSource;
}

/** A data set whose images are all in memory. */
export type LoadedSplit = Readonly<Record<keyof DataSplit, ImageSet>>;

const mostBytes = 4 * 2 ** 30; // limit for the pixels of a data set in memory

/**
 * Reads the images of a scale into memory, to look at them. Pictures in files are cropped as for
 * the evaluation of a network.
 *
 * @throws {RangeError} If they are too many for the memory.
 *
 * @example
 * ```ts
 * import { bcSslStart, loadData, sizesAt } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { train, test } = await loadData(bcSslStart.data, sizesAt(bcSslStart, "smoke"));
 * assertEquals([train.labels.length, test.labels.length], [64, 32]);
 * assertEquals(train.pixels.length, 64 * train.height * train.width * 3);
 * ```
 */
export async function loadData(data: DataConfig, scale: Scale): Promise<LoadedSplit> {
  const { pretrain, train, test } = await openData(data, scale);
  const load = async (source: ImageSource) => {
    const bytes = imageCount(source) * scale.imageSize ** 2 * 3;
    if (isStored(source) && bytes > mostBytes) {
      throw new RangeError(
        `Cannot hold ${
          imageCount(source)
        } pictures of "${source.name}" in memory: choose a smaller scale`,
      );
    }
    const all = Array.from({ length: imageCount(source) }, (_, i) => i);
    return isStored(source) ? await takeImages(source, all, { size: scale.imageSize }) : source;
  };
  return { pretrain: await load(pretrain), train: await load(train), test: await load(test) };
}

/**
 * Opens the images of a scale. They are the same for every seed: a seed decides weights, order and
 * crops, not the data.
 *
 * @param log Gets a line for everything in a person's own folders that is passed over. By default
 *   each line is printed once.
 */
export async function openData(
  data: DataConfig,
  scale: Scale,
  log: (line: string) => void = sayOnce,
): Promise<DataSplit> {
  const { imageSize: size, trainCount, testCount } = scale;
  switch (data.kind) {
    case "fashion-mnist":
    case "emoji":
    case "scenes": {
      const key = JSON.stringify([data, size, trainCount, testCount]);
      if (lastOwn?.key !== key) lastOwn = { key, split: await loadOwn(data, scale) };
      return lastOwn.split;
    }
    case "folder": {
      const { maxBadFraction } = data;
      const options = { size, trainCount, testCount, maxBadFraction, log };
      return withoutLabels(await openFolderPair(data, options));
    }
    case "imagenet":
      return withoutLabels(await loadImageNet(data, trainCount, testCount));
    case "cifar10":
      return withoutLabels(
        await allOfSize(await loadCifar10({ ...data, trainCount, testCount }), size),
      );
    case "cifar100":
      return withoutLabels(
        await allOfSize(await loadCifar100({ ...data, trainCount, testCount }), size),
      );
    case "stl10":
    case "imagenette":
      return await openPhotographs(data, scale);
    default: {
      const unknown: never = data;
      throw new RangeError(
        `Unknown data ${JSON.stringify(unknown)}: use kind "fashion-mnist", "emoji", "scenes", ` +
          `"folder", "imagenet", "cifar10", "cifar100", "stl10" or "imagenette"`,
      );
    }
  }
}

const said = new Set<string>();

/**
 * Prints a line, unless this process has printed it before: every evaluation of a run opens the
 * same folders.
 */
export function sayOnce(line: string): void {
  if (said.has(line)) return;
  said.add(line);
  console.warn(line);
}

/**
 * Why images cannot be scored by their classes, in words; `undefined` if all images have a class
 * and there are at least two classes.
 */
export function withoutClasses({ train, test }: DataSplit): string | undefined {
  for (const { name, labels } of [train, test]) {
    if (!labels.includes(-1)) continue;
    return `the pictures of "${name}" have no classes; sort them into one subfolder for each class`;
  }
  if (train.classNames.length > 1) return undefined;
  return `"${train.name}" has one class, ${train.classNames[0]}; two or more are needed`;
}

/**
 * Refuses images that cannot be scored by their classes.
 *
 * @param attempt What needs the classes, for the message: `train a linear probe`.
 * @throws {RangeError} If an image has no class, or all have the same.
 */
export function requireClasses(split: DataSplit, attempt: string): void {
  const reason = withoutClasses(split);
  if (reason !== undefined) throw new RangeError(`Cannot ${attempt}: ${reason}`);
}

/**
 * The data set that was opened last, if it is one of the project's own, which do not change. Making
 * its images takes seconds, and evaluations open the same set again and again.
 */
let lastOwn: { readonly key: string; readonly split: DataSplit } | undefined;

async function loadOwn(
  data: DataConfig & { readonly kind: "fashion-mnist" | "emoji" | "scenes" },
  { imageSize: size, trainCount, testCount }: Scale,
): Promise<DataSplit> {
  if (data.kind === "emoji") {
    const { labels, background } = data;
    const options = { size, labels, background, trainCount, testCount };
    const { pretrain, train, test } = await loadEmoji(options);
    return { pretrain, train, test };
  }
  if (data.kind === "scenes") {
    return await loadLabelledScenes({ size, labels: data.labels, trainCount, testCount });
  }
  const { placed } = data;
  return withoutLabels(
    await loadFashionMnist({ placed, ...(placed ? { size } : {}), trainCount, testCount }),
  );
}

async function loadImageNet(
  { folder = dataFolder("imagenet"), numClasses, maxBadFraction }: DataConfig & {
    readonly kind: "imagenet";
  },
  trainCount: number,
  testCount: number,
): Promise<Omit<DataSplit, "pretrain">> {
  const { train, val } = await openImageNet(folder, { numClasses });
  const some = (set: StoredImages, count: number) => ({ ...thinned(set, count), maxBadFraction });
  return { train: some(train, trainCount), test: some(val, testCount) };
}

/**
 * Opens photographs that the reader has brought. In the default folder it is the published set, with
 * as many pictures; in another it may have fewer.
 */
async function openPhotographs(
  { kind, folder }: DataConfig & { readonly kind: "stl10" | "imagenette" },
  { imageSize: size, trainCount, testCount }: Scale,
): Promise<DataSplit> {
  const place = folder ?? dataFolder(kind);
  const { train, test } = folder === undefined
    ? await openTransferSet(kind, place)
    : await transferSets[kind].open(place);
  const labelled = { train: thinned(train, trainCount), test: thinned(test, testCount) };
  if (kind === "imagenette") return withoutLabels(labelled);
  const pretrain = await openStl10Unlabelled(place, Math.min(trainCount, stl10Unlabelled));
  return await allOfSize({ pretrain, ...labelled }, size);
}

const stl10Unlabelled = 100_000;

/** Resizes images in memory that have another size, so that a network sees all alike. */
async function allOfSize<P extends Readonly<Record<string, ImageSource>>>(
  parts: P,
  size: number,
): Promise<P> {
  const sized = Object.entries(parts).map(async ([name, source]) => [
    name,
    isStored(source) || source.height === size ? source : await resized(source, size),
  ]);
  return Object.fromEntries(await Promise.all(sized));
}

async function resized(set: ImageSet, size: number): Promise<ImageSet> {
  const pixels = new Uint8Array(imageCount(set) * size * size * 3);
  let at = 0;
  for await (const part of centerCrops(set, { size, shortSide: size, resizeAll: true })) {
    pixels.set(part.pixels, at);
    at += part.pixels.length;
  }
  return { ...set, name: `${set.name}, ${size} px`, height: size, width: size, pixels };
}

function withoutLabels({ train, test }: Omit<DataSplit, "pretrain">): DataSplit {
  return { pretrain: unlabelled(train), train, test };
}
