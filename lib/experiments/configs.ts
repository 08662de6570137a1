/** The experiments of the notebooks, each with its cost and what it reached. */
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { PretrainConfig } from "lib/experiments/config.ts";

/**
 * A small BC-SSL under DINO on Fashion-MNIST, each garment placed at a random scale, angle and offset
 * (`notebooks/00_start.ipynb`).
 *
 * Differs: from the paper's recipe in what a network of half a million weights and an hour need. BatchNorm in the head
 * and a learning rate eight times the reference's, because without them the k-NN does not lift off in a laptop's
 * budget; 512 prototypes for ten classes of images; momentum 0.99, as runs are a hundred times shorter; layer scale
 * 0.1 and no stochastic depth, for six blocks.
 */
export const bcSslStart: PretrainConfig = {
  name: "start",
  data: { kind: "fashion-mnist", placed: true },
  recipe: {
    model: {
      arch: "convnext",
      depths: [1, 1, 3, 1],
      dims: [32, 64, 128, 256],
      kernelSize: 7,
      batchNorm: true,
      dwconvBias: false,
      patchSize: 4,
      dropPathRate: 0,
      layerScaleInit: 0.1,
    },
    head: {
      hiddenDim: 512,
      bottleneckDim: 128,
      outDim: 1024,
      batchNorm: true,
      normLastLayer: true,
    },
    crops: { ...dinoCrops, globalSize: 32, localSize: 32, localCrops: 2 },
    lr: 0.004,
    minLr: 1e-6,
    warmupShare: 0.1,
    weightDecay: 0.04,
    weightDecayEnd: 0.1,
    clipNorm: 3,
    freezeLastLayerShare: 0.01,
    studentTemp: 0.1,
    teacherTemp: 0.04,
    warmupTeacherTemp: 0.04,
    warmupTeacherTempShare: 0,
    teacherMomentum: 0.99,
    centerMomentum: 0.9,
  },
  scales: {
    smoke: {
      imageSize: 32,
      trainCount: 256,
      testCount: 64,
      batchSize: 32,
      epochs: 2,
      monitorEvery: 4,
    },
    laptop: {
      imageSize: 32,
      trainCount: 20_000,
      testCount: 2000,
      batchSize: 128,
      epochs: 16,
      monitorEvery: 250,
    },
    paper: {
      imageSize: 32,
      trainCount: 60_000,
      testCount: 10_000,
      batchSize: 512,
      epochs: 300,
      monitorEvery: 2340,
    },
  },
};
