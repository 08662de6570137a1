/** What the monitor of a run measures on one reading of the network's features. */
import type { FeatureBank } from "lib/eval/features/feature_bank.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { featureSpectra } from "lib/eval/quality/feature_spectra.ts";
import type { Model } from "lib/models/mod.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { splitBanks, type SplitSources } from "lib/experiments/measure/feature_banks.ts";
import { knnOfBanks } from "lib/experiments/measure/knn_scores.ts";
import { drive } from "lib/experiments/runs/pause.ts";

/**
 * The largest number of features whose spectrum the monitor computes: it takes 8 seconds for 768
 * features, 16 for 1,024 and minutes for a ResNet's 2,048, which the verb `featureQuality` takes.
 */
const mostFeatures = 1024;

/**
 * Measures a network: `knn10Top1`, `knn10Top5`, `knn20Top1`, … on the test images, and `rankMe` and
 * `alphaReQ` of the features of the training images, which need no labels and no further forward
 * pass. At `laptop` the two take 0.3 to 0.9 seconds, beside 12 to 35 for the features and the k-NN.
 *
 * The two are left out where they cannot be had: of one image, of more than 1,024 features, and
 * α-ReQ where the features have collapsed.
 *
 * @param crops The normalisation of the training, and the size to which pictures in files are
 *   cropped.
 * @param pause Awaited several times a second, except while eigenvalues are computed; what it
 *   throws ends the measurement.
 * @param world The processes that compute the features together. This is process 0; the others call
 *   `helpWithBanks` with the same network and images.
 */
export async function monitorMetrics(
  model: Pick<Model, "forward">,
  data: SplitSources,
  crops: Pick<CropRecipe, "stats" | "globalSize">,
  pause: () => Promise<void>,
  world: World = alone,
): Promise<Record<string, number>> {
  using banks = await splitBanks(pooledFeatures(model), data, crops, pause, world);
  const rows = await knnOfBanks(banks, data.train.classNames.length, pause);
  return {
    ...Object.fromEntries(
      rows.flatMap(({ k, top1, top5 }) => [[`knn${k}Top1`, top1], [`knn${k}Top5`, top5]]),
    ),
    ...await spectralMetrics(banks.train, pause),
  };
}

async function spectralMetrics(
  bank: FeatureBank,
  pause: () => Promise<void>,
): Promise<Record<string, number>> {
  if (bank.labels.length < 2 || bank.dim > mostFeatures) return {};
  const { rankMe, alphaReQ } = await drive(featureSpectra(bank), pause);
  return { rankMe, ...(Number.isNaN(alphaReQ) ? {} : { alphaReQ }) };
}
