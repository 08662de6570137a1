/** From a data config and a scale to images, in memory or in their files. */
import {
  imageCount,
  type ImageSet,
  type ImageSource,
  isStored,
  loadCifar10,
  loadCifar100,
  loadEmoji,
  loadFashionMnist,
  loadImageFolder,
  openImageNet,
  subset,
  takeImages,
  thinned,
  unlabelled,
} from "lib/datasets/mod.ts";
import { dataFolder } from "lib/datasets/files/data_folder.ts";
import type { DataConfig, Scale } from "lib/experiments/configs/config.ts";

export interface DataSplit {
  /** What pre-training sees: no labels, and more images than `train` where some have none. */
  readonly pretrain: ImageSource;
  /** What the k-NN looks its neighbours up in. */
  readonly train: ImageSource;
  readonly test: ImageSource;
}

/** The same, all of it in memory. */
export type LoadedSplit = Readonly<Record<keyof DataSplit, ImageSet>>;

const mostBytes = 4 * 2 ** 30; // of a split's pixels

/**
 * The images of a scale in memory, to be looked at. Pictures in files are cropped as a network is evaluated on them.
 *
 * @throws {RangeError} If they are too many for that.
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
 * Finds what a scale asks for. The images are the same for every seed of a study: a seed moves weights, order and
 * crops, not the data.
 */
export async function openData(data: DataConfig, scale: Scale): Promise<DataSplit> {
  const { imageSize: size, trainCount, testCount } = scale;
  switch (data.kind) {
    case "fashion-mnist":
    case "emoji": {
      const key = JSON.stringify([data, size, trainCount, testCount]);
      if (lastOwn?.key !== key) lastOwn = { key, split: await loadOwn(data, scale) };
      return lastOwn.split;
    }
    case "folder":
      return withoutLabels({
        train: (await loadImageFolder(data.train, { size })).images,
        test: (await loadImageFolder(data.test, { size })).images,
      });
    case "imagenet":
      return withoutLabels(await loadImageNet(data, trainCount, testCount));
    case "cifar10":
      return withoutLabels(await loadCifar10({ ...data, trainCount, testCount }));
    case "cifar100":
      return withoutLabels(await loadCifar100({ ...data, trainCount, testCount }));
    default: {
      const unknown: never = data;
      throw new RangeError(
        `Unknown data ${JSON.stringify(unknown)}: use kind "fashion-mnist", "emoji", "folder", ` +
          `"imagenet", "cifar10" or "cifar100"`,
      );
    }
  }
}

/**
 * What was asked for last of the images that the project brings, which nobody changes. Placing them takes seconds, and evaluations
 * ask for the same ones again and again.
 */
let lastOwn: { readonly key: string; readonly split: DataSplit } | undefined;

async function loadOwn(
  data: DataConfig & { readonly kind: "fashion-mnist" | "emoji" },
  { imageSize: size, trainCount, testCount }: Scale,
): Promise<DataSplit> {
  if (data.kind === "emoji") {
    const { pretrain, train, test } = await loadEmoji({ size, labels: data.labels });
    return {
      pretrain: spread(pretrain, trainCount),
      train: spread(train, trainCount),
      test: spread(test, testCount),
    };
  }
  const { placed } = data;
  return withoutLabels(
    await loadFashionMnist({ placed, ...(placed ? { size } : {}), trainCount, testCount }),
  );
}

async function loadImageNet(
  { folder = dataFolder("imagenet"), numClasses }: DataConfig & { readonly kind: "imagenet" },
  trainCount: number,
  testCount: number,
): Promise<Omit<DataSplit, "pretrain">> {
  const { train, val } = await openImageNet(folder, { numClasses });
  return { train: thinned(train, trainCount), test: thinned(val, testCount) };
}

/** At most `count` images, evenly spread over the set; one that has no more is itself. */
export function spread(set: ImageSet, count: number): ImageSet {
  const total = imageCount(set);
  if (count >= total) return set;
  return subset(set, Array.from({ length: count }, (_, i) => Math.floor(i * total / count)));
}

function withoutLabels({ train, test }: Omit<DataSplit, "pretrain">): DataSplit {
  return { pretrain: unlabelled(train), train, test };
}
