/** From a data config and a scale to images in memory. */
import {
  type ImageSet,
  loadEmoji,
  loadFashionMnist,
  loadImageFolder,
  unlabelled,
} from "lib/datasets/mod.ts";
import type { DataConfig, Scale } from "lib/experiments/config.ts";

export interface DataSplit {
  /** What pre-training sees: no labels, and more images than `train` where some have none. */
  readonly pretrain: ImageSet;
  /** What the k-NN looks its neighbours up in. */
  readonly train: ImageSet;
  readonly test: ImageSet;
}

/**
 * Loads what a scale asks for. The images are the same for every seed of a study: a seed moves weights, order and
 * crops, not the data.
 */
export async function loadData(
  data: DataConfig,
  { imageSize: size, trainCount, testCount }: Scale,
): Promise<DataSplit> {
  switch (data.kind) {
    case "fashion-mnist": {
      const { placed } = data;
      return withoutLabels(
        await loadFashionMnist({ placed, ...(placed ? { size } : {}), trainCount, testCount }),
      );
    }
    case "emoji":
      return await loadEmoji({ size, labels: data.labels });
    case "folder":
      return withoutLabels({
        train: (await loadImageFolder(data.train, { size })).images,
        test: (await loadImageFolder(data.test, { size })).images,
      });
    default: {
      const unknown: never = data;
      throw new RangeError(
        `Unknown data ${JSON.stringify(unknown)}: use kind "fashion-mnist", "emoji" or "folder"`,
      );
    }
  }
}

function withoutLabels({ train, test }: Omit<DataSplit, "pretrain">): DataSplit {
  return { pretrain: unlabelled(train), train, test };
}
