/** The detectors of the notebooks, and those of the paper's Table 4. */
import { imageNetStats } from "lib/augment/mod.ts";
import { convNeXtMaskRcnn, type MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import type { ConvNeXtConfig } from "lib/models/convnext/convnext_configs.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { armConfig, armGeometries } from "lib/experiments/configs/arms.ts";
import type { PretrainConfig } from "lib/experiments/configs/config.ts";
import type { DetectorConfig, DetectorScale } from "lib/experiments/detect/detector_config.ts";
import { paperRuns } from "lib/experiments/configs/paper_runs.ts";

/** mmdet's Mask R-CNN, without the number of classes, which the data decide. */
function referenceModel(backbone: ModelConfig): DetectorConfig["model"] {
  const { numClasses: _, ...model } = convNeXtMaskRcnn(backbone, 2);
  return model;
}

/**
 * Sides of the anchors over the scene's shorter side, fine to coarse: objects have 0.18 to 0.7 of
 * it.
 */
const anchorShares = [20, 32, 48, 72, 104].map((pixels) => pixels / 128);

/** Positions a side that the smallest region of P4 has on that map; a larger one up to twice. */
const positionsOnP4 = 7;

/**
 * A Mask R-CNN with small heads and few boxes. Its anchors are shares of the scene, as the objects
 * are, and its regions follow the strides of the backbone's stages.
 *
 * @param side Shorter side of the scenes in pixels.
 */
function sceneModel(backbone: ModelConfig, side: number): DetectorConfig["model"] {
  // The third stage of a pyramid; written out, since asking the network's family loads the engine.
  const stride = "patchSize" in backbone ? 4 * backbone.patchSize : 16;
  const { rpn, box, mask, regions, ...rest } = referenceModel(backbone);
  const proposals = { perLevel: 200, kept: 100 };
  return {
    ...rest,
    fpnDim: 64,
    rpn: {
      ...rpn,
      anchors: anchorShares.map((share) => ({
        sizes: [Math.round(share * side)],
        ratios: [0.5, 1, 2],
        rounded: false,
      })),
      samples: { count: 64, objectFraction: 0.5 },
      training: proposals,
      inference: proposals,
    },
    regions: { ...regions, canonicalSize: positionsOnP4 * stride },
    box: { ...box, dim: 256, samples: { count: 64, objectFraction: 0.25 } },
    mask: { ...mask, dims: [64, 64] },
  } satisfies Omit<MaskRcnnConfig, "numClasses">;
}

/**
 * A detector of emoji in scenes, on a small pre-trained network. There are twenty classes. The
 * drawings in val are by other designers than those in train, and a network that was pre-trained on
 * emoji has seen none of them.
 *
 * Scenes are twice as high as the images of the pre-training. An object then has 0.18 to 0.7 of
 * that, so its middle size is that of an emoji in an image of the pre-training, which fills 0.55 to
 * 0.95 of it: the backbone meets objects, in pixels, as it knows them.
 *
 * Differs: from the paper's recipe in what a small network and five minutes need: a larger learning
 * rate, a shorter warm-up, no stochastic depth, clipped gradients, no crops, and pictures made up
 * to a fifth smaller.
 *
 * @param config The pre-training. The detector starts from its run at `laptop`, at `smoke` too.
 */
export function sceneDetectorOn(config: PretrainConfig): DetectorConfig {
  return {
    name: `scenes_${config.name}`,
    data: { kind: "scenes" },
    pretrained: { config, scale: "laptop", of: "teacher" },
    model: sceneModel(config.recipe.model, sceneSide(config, "laptop")),
    recipe: {
      augment: { flip: 0.5, shortSides: [0.8, 0.9, 1], longSide: 1333 / 800, crop: null },
      stats: imageNetStats,
      optimizer: "adamw",
      lr: 0.002,
      weightDecay: 0.05,
      layerDecay: 0.95,
      clipNorm: 1,
      warmupSteps: 100,
      drops: [27 / 36, 33 / 36],
    },
    scales: {
      ...sceneScales,
      laptop: { ...sceneScales.laptop, imageSize: sceneSide(config, "laptop") },
      paper: { ...sceneScales.paper, imageSize: sceneSide(config, "paper") },
    },
  };
}

/** Shorter side in pixels of the scenes for a network: twice its images, but not below a size. */
function sceneSide({ scales }: PretrainConfig, scale: "laptop" | "paper"): number {
  return Math.max(sceneScales[scale].imageSize, 2 * scales[scale].imageSize);
}

/** Sizes of a detector's training, with the smallest scenes at each scale. */
const sceneScales: DetectorConfig["scales"] = {
  smoke: { imageSize: 64, trainCount: 8, valCount: 6, batchSize: 4, epochs: 2, monitorEvery: 2 },
  laptop: {
    imageSize: 128,
    trainCount: 1600,
    valCount: 400,
    batchSize: 8,
    epochs: 6,
    monitorEvery: 378,
  },
  paper: {
    imageSize: 256,
    trainCount: 20_000,
    valCount: 2_000,
    batchSize: 16,
    epochs: 36,
    monitorEvery: 1250,
  },
};

/** Detectors of scenes on BC-SSL with the kernels of Table 4, 3, 5, 7 and 9, in both geometries. */
export const sceneDetectors: readonly DetectorConfig[] = armGeometries.flatMap((geometry) =>
  [3, 5, 7, 9].map((kernelSize) => {
    const arm = { arch: "convnext", kernelSize, batchNorm: true } as const;
    return sceneDetectorOn(armConfig(arm, { scale: "laptop", geometry }));
  })
);

const coco = { train: 118_287, withObjects: 117_266, val: 5_000 } as const;
const batchSize = 16;
const stepsPerEpoch = Math.floor(coco.withObjects / batchSize); // 7,329

/** Sizes of the two small scales, which show that a detector trains and no more. */
const small: Readonly<Record<"smoke" | "laptop", DetectorScale>> = {
  smoke: { imageSize: 128, trainCount: 16, valCount: 4, batchSize: 2, epochs: 1, monitorEvery: 4 },
  laptop: {
    imageSize: 256,
    trainCount: 2_000,
    valCount: 200,
    batchSize: 4,
    epochs: 4,
    monitorEvery: 500,
  },
};

/** mmdet's schedules: how many epochs, and after which of them the learning rate falls. */
const schedules = { "1x": { epochs: 12, drops: [8, 11] }, "3x": { epochs: 36, drops: [27, 33] } };

function paperDetector(pretraining: string, schedule: keyof typeof schedules): DetectorConfig {
  const { config } = paperRuns.find(({ config: { name } }) => name === pretraining)!;
  const { epochs, drops } = schedules[schedule];
  const backbone = config.recipe.model as ConvNeXtConfig;
  return {
    name: `coco_${pretraining}_${schedule}`,
    data: { kind: "coco" },
    pretrained: { config, scale: "paper" },
    model: referenceModel({ ...backbone, dropPathRate: 0.4, layerScaleInit: 1 }),
    recipe: {
      augment: {
        flip: 0.5,
        shortSides: [480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800].map((s) => s / 800),
        longSide: 1333 / 800,
        crop: {
          probability: 0.5,
          shortSides: [400, 500, 600].map((side) => side / 800),
          sides: [384 / 800, 600 / 800],
        },
      },
      stats: imageNetStats,
      optimizer: "adamw",
      lr: 1e-4,
      weightDecay: 0.05,
      layerDecay: 0.95,
      clipNorm: 0,
      warmupSteps: 500,
      drops: drops.map((epoch) => epoch / epochs),
    },
    scales: {
      ...small,
      paper: {
        imageSize: 800,
        trainCount: coco.train,
        valCount: coco.val,
        batchSize,
        epochs,
        monitorEvery: stepsPerEpoch,
      },
    },
  };
}

/**
 * The rows of Table 4 that the paper's authors trained, on COCO 2017 in `data/coco`: BC-SSL-T with
 * kernels of 3, 5, 7 and 9 after 100 epochs of pre-training, and with a kernel of 9 after 300. The
 * paper uses the 3× schedule; 1× is mmdet's other one, a third as long.
 */
export const paperDetectors: readonly DetectorConfig[] = (["1x", "3x"] as const).flatMap((
  schedule,
) =>
  [
    ...[3, 5, 7, 9].map((k) => `bcssl_t_k${k}_100ep`),
    "bcssl_t_k9_300ep",
  ].map((pretraining) => paperDetector(pretraining, schedule))
);
