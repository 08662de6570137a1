/** The verbs that answer "is it better than nothing?": k-NN of a network, of raw pixels, of random weights. */
import type { ChannelStats } from "lib/augment/mod.ts";
import { createRng } from "lib/rng.ts";
import { extractFeatures, pixelFeatures } from "lib/eval/features.ts";
import { type KnnAccuracy, knnAccuracy } from "lib/eval/knn.ts";
import { createModel, type Model } from "lib/models/mod.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { type DataSplit, loadData } from "lib/experiments/data.ts";
import { type PretrainConfig, recipeAt, type ScaleName } from "lib/experiments/config.ts";

/** k-NN on the features of a network. */
export function knnOfModel(
  model: Pick<Model, "forward" | "featureDim">,
  { train, test }: Omit<DataSplit, "pretrain">,
  stats: ChannelStats,
): KnnAccuracy[] {
  return knnAccuracy(
    extractFeatures(model, train, { stats }),
    extractFeatures(model, test, { stats }),
    { numClasses: train.classNames.length },
  );
}

/** What the trained network has to beat. Fractions. */
export interface Baselines {
  /** One class guessed always: the largest share a class has among the test images. */
  readonly chance: number;
  /** Cosine between the images themselves. */
  readonly pixels: readonly KnnAccuracy[];
  /** The same backbone with the weights it starts from, one entry for each seed. */
  readonly randomInit: readonly (readonly KnnAccuracy[])[];
}

/** k-NN without any training, on the same images as {@linkcode pretrain} uses. */
export async function baselines(
  config: PretrainConfig,
  { scale, seeds }: { readonly scale: ScaleName; readonly seeds: readonly number[] },
): Promise<Baselines> {
  const data = await loadData(config.data, config.scales[scale]);
  const { model: modelConfig, crops } = recipeAt(config, scale);
  const numClasses = data.train.classNames.length;
  const counts = new Array<number>(numClasses).fill(0);
  for (const label of data.test.labels) counts[label]!++;
  return {
    chance: Math.max(...counts) / data.test.labels.length,
    pixels: knnAccuracy(pixelFeatures(data.train), pixelFeatures(data.test), { numClasses }),
    randomInit: seeds.map((seed) => {
      // The stream of pretrain's own student and teacher, so these are the very weights it starts from.
      const model = createModel(modelConfig, createRng(seed).fork("init").fork("backbone"));
      try {
        return knnOfModel(model, data, crops.stats);
      } finally {
        disposeTree(model.params);
      }
    }),
  };
}
