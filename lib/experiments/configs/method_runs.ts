/** The first notebook's run by other methods than DINO. */
import type { ConvNeXtConfig } from "lib/models/convnext/convnext_configs.ts";
import { iGptConfig } from "lib/models/igpt/igpt_configs.ts";
import { byolCrops } from "lib/ssl/byol/crops.ts";
import type { ByolRecipe } from "lib/ssl/byol/recipe.ts";
import type { DeepClusterRecipe } from "lib/ssl/deepcluster/recipe.ts";
import type { EsvitRecipe } from "lib/ssl/esvit/recipe.ts";
import { mobyCrops } from "lib/ssl/moby/crops.ts";
import type { MobyRecipe } from "lib/ssl/moby/recipe.ts";
import { mocoV3Crops } from "lib/ssl/mocov3/crops.ts";
import type { MocoV3Recipe } from "lib/ssl/mocov3/recipe.ts";
import { iGptCrops } from "lib/ssl/igpt/crops.ts";
import type { IGptRecipe } from "lib/ssl/igpt/recipe.ts";
import { simclrCrops } from "lib/ssl/simclr/crops.ts";
import type { SimclrRecipe } from "lib/ssl/simclr/recipe.ts";
import type { SwavRecipe } from "lib/ssl/swav/recipe.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import type { PretrainConfig } from "./config.ts";
import { bcSslStart } from "./notebook_runs.ts";

/**
 * The network and the images of {@linkcode bcSslStart}, trained by BYOL for as many steps.
 *
 * Cost at `laptop`: no more than {@linkcode bcSslStart}; on busy cores both train on some 600
 * images a second.
 *
 * It does not learn enough in so few steps. Complete runs of BC-SSL 9×9 on 32-pixel emoji, one seed,
 * k-NN top-1 in percent (k = 20) on 1,724 test images (± 1): none is above raw pixels, 20.6, by more
 * than chance, where MoCo v3, which differs by its negatives, reaches 27.1.
 *
 * | lr | area of a crop | target momentum | head | weight decay | k-NN |
 * | --- | --- | --- | --- | --- | --- |
 * | 0.001 | 0.4–1 | 0.99 | 512, 64 | 0.04 | 18.3 |
 * | 0.004 | 0.4–1 | 0.99 | 512, 64 | 0.04 | 20.4 |
 * | 0.004 | 0.4–1 | 0.97 | 512, 64 | 0.04 | 16.0 |
 * | 0.002 | 0.2–1 | 0.99 | 512, 64 | 0.04 | 20.4 |
 * | 0.004, as here | 0.2–1 | 0.99 | 512, 64 | 0.04 | 20.3 |
 * | 0.004 | 0.2–1 | 0.996 | 512, 64 | 0.04 | 20.3 |
 * | 0.004 | 0.2–1 | 0.99 | 1024, 256 | 0.04 | 20.7 |
 * | 0.004 | 0.2–1 | 0.99 | 512, 64 | 0.4 | 19.0 |
 * | 0.008 | 0.2–1 | 0.99 | 512, 64 | 0.04 | 20.9 |
 *
 * Before these, four pilots of 624 steps on garments: LARS at a rate of 1 was no better than AdamW.
 *
 * Differs: some settings of BYOL's recipe are adapted to a network of 0.67 million weights and some
 * minutes of training: AdamW instead of LARS, small heads, momentum 0.99 from the start, crops of
 * 20 % of the area or more, and blur up to 0.3 pixels.
 */
export const byolStart: PretrainConfig<ByolRecipe> = {
  name: "start_byol",
  data: bcSslStart.data,
  recipe: {
    method: "byol",
    model: bcSslStart.recipe.model,
    head: { hiddenDim: 512, outDim: 64 },
    crops: {
      ...byolCrops,
      globalSize: 32,
      globalScale: [0.2, 1],
      localSize: 32,
      blurRadius: [0.01, 0.3],
    },
    optimizer: "adamw",
    lr: 0.004,
    minLr: 0,
    warmupShare: 0.1,
    weightDecay: 0.04,
    weightDecayEnd: 0.04,
    clipNorm: 0,
    targetMomentum: 0.99,
  },
  scales: bcSslStart.scales,
};

/**
 * The network and the images of {@linkcode bcSslStart}, trained by SimCLR for as many steps.
 *
 * One complete run at `laptop`, BC-SSL 9×9 on 32-pixel emoji: k-NN top-1 25.5 %
 * (k = 20; raw pixels 20.6). Its settings come from no pilot. A step costs less than one of
 * {@linkcode byolStart}, which has a second network.
 *
 * Differs: some settings of SimCLR's recipe are adapted to a network of 0.67 million weights and
 * some minutes of training: AdamW instead of LARS, temperature 0.5 as in the paper's trials with
 * small batches on CIFAR-10, colours at half strength as there, crops of 20 % of the area or more,
 * and blur up to 0.3 pixels.
 */
export const simclrStart: PretrainConfig<SimclrRecipe> = {
  name: "start_simclr",
  data: bcSslStart.data,
  recipe: {
    method: "simclr",
    model: bcSslStart.recipe.model,
    head: { layers: 2, outDim: 64 },
    crops: {
      ...simclrCrops,
      globalSize: 32,
      globalScale: [0.2, 1],
      localSize: 32,
      jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, probability: 0.8 },
      blurRadius: [0.01, 0.3],
    },
    optimizer: "adamw",
    lr: 0.004,
    minLr: 0,
    warmupShare: 0.1,
    weightDecay: 0.04,
    weightDecayEnd: 0.04,
    clipNorm: 0,
    temperature: 0.5,
  },
  scales: bcSslStart.scales,
};

/**
 * {@linkcode simclrStart} as SimCLRv2: the head has three layers, and the first of them stays on the
 * backbone, so that k-NN and linear probe read its output. It has not been run at `laptop` yet.
 *
 * Differs: SimCLRv2 also has larger ResNets that select their kernels
 * (`resNetConfig(152, { width: 2, selectiveKernels: true })`); the network here is the small BC-SSL
 * of the other runs.
 */
export const simclrV2Start: PretrainConfig<SimclrRecipe> = {
  ...simclrStart,
  name: "start_simclr_v2",
  recipe: { ...simclrStart.recipe, head: { layers: 3, keptLayers: 1, outDim: 64 } },
};

/**
 * The network and the images of {@linkcode bcSslStart}, trained by SwAV for as many steps.
 *
 * Cost at `laptop`: a step costs less than one of {@linkcode bcSslStart}, which has as many views and
 * a second network. Complete runs of BC-SSL 9×9 on 32-pixel emoji, one seed, k-NN top-1 in percent
 * (k = 20) on 1,724 test images (± 1), where raw pixels reach 20.6:
 *
 * | lr | queue | area of a global crop | k-NN |
 * | --- | --- | --- | --- |
 * | 0.004 | 512 | 0.4–1 | 11.5 |
 * | 0.001 | 512 | 0.4–1 | 14.8 |
 * | 0.004 | none | 0.4–1 | 20.9 |
 * | 0.004, as here | none | 0.2–1 | 22.2 |
 *
 * Differs: some settings of SwAV's recipe are adapted to a network of 0.67 million weights and some
 * minutes of training: AdamW instead of LARS, a smaller head with 256 prototypes, colours at half
 * strength, global crops of 20 % of the area or more, and blur up to 0.3 pixels. The public code's
 * recipe for small batches has a queue of the last batches; here it does harm, as the table shows.
 * The two local crops are as large as the global ones, as in {@linkcode bcSslStart}.
 */
export const swavStart: PretrainConfig<SwavRecipe> = {
  name: "start_swav",
  data: bcSslStart.data,
  recipe: {
    method: "swav",
    model: bcSslStart.recipe.model,
    head: { hiddenDim: 256, outDim: 64, prototypes: 256 },
    crops: {
      ...swavCrops,
      globalSize: 32,
      globalScale: [0.2, 1],
      localCrops: 2,
      localSize: 32,
      localScale: [0.05, 0.4],
      jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, probability: 0.8 },
      blurRadius: [0.01, 0.3],
    },
    optimizer: "adamw",
    lr: 0.004,
    startLr: 0,
    minLr: 1e-6,
    warmupShare: 0.1,
    weightDecay: 0.04,
    weightDecayEnd: 0.04,
    clipNorm: 3,
    temperature: 0.1,
    epsilon: 0.05,
    sinkhornIterations: 3,
    queueLength: 0,
    queueStartShare: 0.075,
    freezePrototypesShare: 0.05,
  },
  scales: bcSslStart.scales,
};

/**
 * The network, the images and the crops of {@linkcode swavStart}, trained by DeepCluster-v2 for as
 * many steps.
 *
 * One complete run at `laptop`, BC-SSL 9×9 on 32-pixel emoji: k-NN top-1 24.1 % (k = 20; raw pixels
 * 20.6). Its settings come from no pilot. A step costs as much as one of {@linkcode swavStart}; a pass
 * over all images before the first epoch and k-means before each epoch come to it, and count as
 * waiting for data.
 *
 * Differs: as in {@linkcode swavStart}; each of the three clusterings has 128 prototypes.
 */
export const deepClusterStart: PretrainConfig<DeepClusterRecipe> = {
  name: "start_deepcluster_v2",
  data: bcSslStart.data,
  recipe: {
    method: "deepcluster_v2",
    model: bcSslStart.recipe.model,
    head: { hiddenDim: 256, outDim: 64, prototypes: [128, 128, 128] },
    crops: swavStart.recipe.crops,
    optimizer: "adamw",
    lr: 0.004,
    startLr: 0,
    minLr: 1e-6,
    warmupShare: 0.1,
    weightDecay: 0.04,
    weightDecayEnd: 0.04,
    clipNorm: 3,
    temperature: 0.1,
  },
  scales: bcSslStart.scales,
};

/**
 * The recipe and the images of {@linkcode bcSslStart}, trained by EsViT. One complete run at `laptop`,
 * BC-SSL 9×9 on 32-pixel emoji: k-NN top-1 23.2 % (k = 20; raw pixels 20.6). Its settings come from
 * no pilot.
 *
 * Cost at `laptop`: an estimated ten minutes a seed. In 80 steps on busy cores it trained on 300
 * images a second, `bcSslStart` on 478.
 *
 * Differs: the network is that of `bcSslStart` without its last stage, which would leave one token:
 * its last map of 2 × 2 has four. Both heads have the sizes of the one head there.
 */
export const esvitStart: PretrainConfig<EsvitRecipe> = {
  name: "start_esvit",
  data: bcSslStart.data,
  recipe: {
    ...bcSslStart.recipe,
    method: "esvit",
    model: { ...bcSslStart.recipe.model, depths: [1, 1, 3], dims: [24, 48, 96] } as ConvNeXtConfig,
  },
  scales: bcSslStart.scales,
};

/**
 * The network and the images of {@linkcode bcSslStart}, trained by MoCo v3 for as many steps.
 *
 * One complete run at `laptop`, BC-SSL 9×9 on 32-pixel emoji: k-NN top-1 27.1 %
 * (k = 20; raw pixels 20.6). Its settings come from no pilot. A step costs as much as one of
 * {@linkcode byolStart}: there is a second network, and each view is a pass of its own.
 *
 * Differs: some settings of MoCo v3's recipe are adapted to a network of 0.67 million weights and
 * some minutes of training: AdamW, small heads in the form for ResNets, temperature 0.2, crops of
 * 20 % of the area or more, and blur up to 0.3 pixels. With batches of 64 images a query has 63
 * negatives, in the paper 4,095.
 */
export const mocoV3Start: PretrainConfig<MocoV3Recipe> = {
  name: "start_mocov3",
  data: bcSslStart.data,
  recipe: {
    method: "mocov3",
    model: bcSslStart.recipe.model,
    head: { form: "resnet", hiddenDim: 512, outDim: 64 },
    crops: {
      ...mocoV3Crops,
      globalSize: 32,
      globalScale: [0.2, 1],
      localSize: 32,
      blurRadius: [0.01, 0.3],
    },
    optimizer: "adamw",
    lr: 0.004,
    minLr: 0,
    warmupShare: 0.1,
    weightDecay: 0.04,
    weightDecayEnd: 0.04,
    clipNorm: 0,
    temperature: 0.2,
    encoderMomentum: 0.99,
  },
  scales: bcSslStart.scales,
};

/**
 * A small iGPT on the images of {@linkcode bcSslStart}: it predicts each of 16 × 16 colours from
 * those before it. It has not been run at `laptop` yet, and its settings come from no pilot.
 *
 * Cost at `laptop`: an estimated fifteen minutes a seed. In 40 steps on busy cores it trained on 19
 * images a second, `bcSslStart` on 478.
 *
 * Differs: images are fewer than in the other runs and are seen less often, as a step costs more.
 * The palette has 32 colours, where the paper's has 512.
 */
export const iGptStart: PretrainConfig<IGptRecipe> = {
  name: "start_igpt",
  data: bcSslStart.data,
  recipe: {
    method: "igpt",
    model: iGptConfig("nano"),
    head: { maskShare: 0.15 },
    crops: iGptCrops,
    lr: 0.024,
    minLr: 0,
    warmupShare: 0.1,
    weightDecay: 0.01,
    weightDecayEnd: 0.01,
    clipNorm: 1,
  },
  scales: {
    smoke: {
      imageSize: 32,
      trainCount: 128,
      testCount: 64,
      batchSize: 16,
      epochs: 1,
      monitorEvery: 4,
    },
    laptop: {
      imageSize: 32,
      trainCount: 6656,
      testCount: 2000,
      batchSize: 32,
      epochs: 6,
      monitorEvery: 624,
    },
    paper: {
      imageSize: 32,
      trainCount: 60_000,
      testCount: 10_000,
      batchSize: 128,
      epochs: 100,
      monitorEvery: 4680,
    },
  },
};

/** {@linkcode iGptStart} with the masked objective: it predicts the colours of 15 % of the positions. */
export const iGptMaskedStart: PretrainConfig<IGptRecipe> = {
  ...iGptStart,
  name: "start_igpt_masked",
  recipe: { ...iGptStart.recipe, model: iGptConfig("nano", { masked: true }) },
};

/**
 * The network and the images of {@linkcode bcSslStart}, trained by MoBY for as many steps.
 *
 * One complete run at `laptop`, BC-SSL 9×9 on 32-pixel emoji: k-NN top-1 25.3 %
 * (k = 20; raw pixels 20.6). Its settings come from no pilot. A step costs as much as one of
 * {@linkcode byolStart}: there is a second network, and each view is a pass of its own.
 *
 * Differs: some settings of MoBY's recipe are adapted to a network of 0.67 million weights and some
 * minutes of training: queues of 1,024 keys, small heads, no stochastic depth, crops of 20 % of the
 * area or more, and blur up to 0.3 pixels.
 */
export const mobyStart: PretrainConfig<MobyRecipe> = {
  name: "start_moby",
  data: bcSslStart.data,
  recipe: {
    method: "moby",
    model: bcSslStart.recipe.model,
    head: { hiddenDim: 512, outDim: 64 },
    crops: {
      ...mobyCrops,
      globalSize: 32,
      globalScale: [0.2, 1],
      localSize: 32,
      blurRadius: [0.01, 0.3],
    },
    lr: 0.004,
    minLr: 5e-6,
    warmupLr: 5e-7,
    warmupShare: 0.1,
    weightDecay: 0.05,
    weightDecayEnd: 0.05,
    clipNorm: 5,
    temperature: 0.2,
    keyMomentum: 0.99,
    queueLength: 1024,
  },
  scales: bcSslStart.scales,
};
