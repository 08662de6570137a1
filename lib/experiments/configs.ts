/** The experiments of the notebooks, each with its cost and what it reached. */
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { PretrainConfig } from "lib/experiments/config.ts";

/**
 * A small BC-SSL under DINO on Fashion-MNIST, each garment placed at a random scale, angle and offset
 * (`notebooks/00_start.ipynb`).
 *
 * Differs: from the paper's recipe in what a network of 0.8 million weights and a quarter of an hour need. BatchNorm in
 * the head and sixteen times the reference's learning rate, because without them the k-NN does not lift off in that
 * time; 512 prototypes; momentum 0.99, as the run is two hundred times shorter; layer scale 0.1 and no stochastic depth,
 * for six blocks; blur up to 0.3 pixels, which is the reference's 2 of 224 at this size; two local crops, at the size of
 * the global ones, as the stem and three halvings leave no map of a smaller one.
 */
export const bcSslStart: PretrainConfig = {
  name: "start",
  data: { kind: "fashion-mnist", placed: true },
  recipe: {
    model: {
      arch: "convnext",
      depths: [1, 1, 3, 1],
      dims: [24, 48, 96, 192],
      kernelSize: 7,
      batchNorm: true,
      dwconvBias: false,
      patchSize: 4,
      dropPathRate: 0,
      layerScaleInit: 0.1,
    },
    head: { hiddenDim: 256, bottleneckDim: 64, outDim: 512, batchNorm: true, normLastLayer: true },
    crops: {
      ...dinoCrops,
      globalSize: 32,
      localSize: 32,
      localCrops: 2,
      blurRadius: [0.01, 0.3],
    },
    lr: 0.008,
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
      testCount: 10_000,
      batchSize: 64,
      epochs: 20,
      monitorEvery: 500,
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
