/** What the runs of other methods than DINO on ImageNet-1K have in common. */
import type { Recipe } from "lib/ssl/methods.ts";
import type { PretrainConfig, RecipeAnyScale, Scale } from "./config_types.ts";

const imageNet = { train: 1_281_167, val: 50_000 } as const;

/** Sizes of the two small scales, which only show that the network can be trained. */
const small: Readonly<Record<"smoke" | "laptop", Scale>> = {
  smoke: { imageSize: 64, trainCount: 16, testCount: 8, batchSize: 8, epochs: 1, monitorEvery: 2 },
  laptop: {
    imageSize: 64,
    trainCount: 1_000,
    testCount: 200,
    batchSize: 16,
    epochs: 1,
    monitorEvery: 62,
  },
};

/** A run at 224 pixels a side, monitored every 20 epochs. */
export function imageNetConfig<R extends Recipe>(
  name: string,
  recipe: RecipeAnyScale<R>,
  { batchSize, epochs }: Pick<Scale, "batchSize" | "epochs">,
): PretrainConfig<R> {
  const paper: Scale = {
    imageSize: 224,
    trainCount: imageNet.train,
    testCount: imageNet.val,
    batchSize,
    epochs,
    monitorEvery: 20 * Math.floor(imageNet.train / batchSize),
  };
  return { name, data: { kind: "imagenet" }, recipe, scales: { ...small, paper } };
}

/** Days on one V100 by the operations, 10^18, from what DINO's own ViT-S took. */
export function costOf(exaFlops: number) {
  return { exaFlops, v100Days: 14 * exaFlops / 14.58 };
}
