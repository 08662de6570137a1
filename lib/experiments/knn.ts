/** The verbs that answer "is it better than nothing?": k-NN of a network, of raw pixels, of random weights. */
import type { ChannelStats } from "lib/augment/mod.ts";
import { createRng } from "lib/rng.ts";
import { featureSteps, pixelFeatures, pooledFeatures } from "lib/eval/features.ts";
import { type KnnAccuracy, knnAccuracy, knnSteps } from "lib/eval/knn.ts";
import { createModel, type Model } from "lib/models/mod.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { type DataSplit, loadData } from "lib/experiments/data.ts";
import { drive } from "lib/experiments/pause.ts";
import { type PretrainConfig, recipeAt, type ScaleName, sizesAt } from "lib/experiments/config.ts";

/**
 * k-NN on the features of a network.
 *
 * @param pause Awaited several times a second, so that an interrupt is heard; what it throws ends the evaluation.
 */
export async function knnOfModel(
  model: Pick<Model, "forward">,
  { train, test }: Omit<DataSplit, "pretrain">,
  stats: ChannelStats,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<KnnAccuracy[]> {
  const read = pooledFeatures(model);
  const bank = await drive(featureSteps(read, train, { stats }), pause);
  const queries = await drive(featureSteps(read, test, { stats }), pause);
  return await drive(knnSteps(bank, queries, { numClasses: train.classNames.length }), pause);
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
  const data = await loadData(config.data, sizesAt(config, scale));
  const { model: modelConfig, crops } = recipeAt(config, scale);
  const numClasses = data.train.classNames.length;
  const counts = new Array<number>(numClasses).fill(0);
  for (const label of data.test.labels) counts[label]!++;
  const randomInit: KnnAccuracy[][] = [];
  for (const seed of seeds) {
    // The stream of pretrain's own student and teacher, so these are the very weights it starts from.
    const model = createModel(modelConfig, createRng(seed).fork("init").fork("backbone"));
    try {
      randomInit.push(await knnOfModel(model, data, crops.stats));
    } finally {
      disposeTree(model.params);
    }
  }
  return {
    chance: Math.max(...counts) / data.test.labels.length,
    pixels: knnAccuracy(pixelFeatures(data.train), pixelFeatures(data.test), { numClasses }),
    randomInit,
  };
}
