/**
 * The cases of the benchmark beside PyTorch, as plain data: our process and PyTorch's read the
 * same.
 *
 * B images, H pixels a side of a square map, C channels, k pixels a side of a kernel.
 */
import { byolStart, swavStart } from "lib/experiments/configs/method_runs.ts";
import { bcSslStart, recipeAt } from "lib/experiments/mod.ts";
import {
  bcSslConfig,
  convNeXtConfig,
  type ModelConfig,
  resNetConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { type CorruptionName, corruptionNames, extraCorruptionNames } from "lib/robustness/mod.ts";
import { byolCrops } from "lib/ssl/byol/crops.ts";
import type { ByolRecipe } from "lib/ssl/byol/recipe.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { SwavRecipe } from "lib/ssl/swav/recipe.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import type { DinoHeadConfig } from "lib/ssl/distillation/head.ts";

export const groups = [
  "micro",
  "block",
  "attention",
  "step",
  "laptop",
  "methods",
  "inference",
  "augment",
  "corruptions",
] as const;
export type Group = typeof groups[number];

/** A map `[B, H, H, C]` and a kernel on it. */
export interface MapSize {
  readonly batch: number;
  readonly side: number;
  readonly channels: number;
  readonly kernelSize: number;
}

/** One pass of a depthwise convolution. */
export interface DepthwiseCase extends MapSize {
  readonly kind: "depthwise";
  readonly group: "micro";
  readonly pass: "forward" | "dX" | "dW";
  readonly name: string;
}

/** Forward and backward pass of one block, with the gradients of the input and of all weights. */
export interface BlockCase extends MapSize {
  readonly kind: "block";
  readonly group: "block";
  /** True for BC-SSL's block: BatchNorm, and no bias in the depthwise convolution. */
  readonly batchNorm: boolean;
  readonly name: string;
}

/**
 * Forward and backward pass of attention within groups of tokens, from queries, keys and values to
 * the layer's output before its projection, with the gradients of all inputs. A group is an image of
 * a ViT or a window of a Swin.
 */
export interface AttentionCase {
  readonly kind: "attention";
  readonly group: "attention";
  /** Number of groups. */
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly headDim: number;
  /** Number of learned biases, one for each window of an image; 0 for none. */
  readonly biases: number;
  readonly name: string;
}

/**
 * A whole training step of DINO: teacher, student, loss, gradients, clipping, AdamW, and the moving
 * averages of the teacher's weights and of the centre.
 */
export interface StepCase {
  readonly kind: "step";
  readonly group: "step" | "laptop";
  readonly model: ModelConfig;
  readonly head: DinoHeadConfig;
  readonly batch: number;
  /** Pixels a side. */
  readonly globalSize: number;
  readonly localSize: number;
  readonly localCrops: number;
  readonly name: string;
}

/** A whole training step of another method than DINO, with all of its updates. */
export interface MethodCase {
  readonly kind: "method";
  readonly group: "methods";
  readonly recipe: ByolRecipe | SwavRecipe;
  readonly batch: number;
  readonly name: string;
}

/** A backbone without a head, in evaluation mode. */
export interface InferenceCase {
  readonly kind: "inference";
  readonly group: "inference";
  readonly model: ModelConfig;
  /** Name of timm's model to compare with; without one, the model is written out in `peer.py`. */
  readonly timm?: string;
  readonly batch: number;
  /** Pixels a side. */
  readonly size: number;
  readonly name: string;
}

/** Decodes pictures and makes DINO's views of them, one after the other, on one core. */
export interface AugmentCase {
  readonly kind: "augment";
  readonly group: "augment";
  /** Number of pictures in a call. */
  readonly batch: number;
  /** Size of each picture in pixels. */
  readonly width: number;
  readonly height: number;
  readonly recipe: CropRecipe;
  /** JPEGs in base64, the same for both sides. The list is empty until the case is measured. */
  readonly pictures: readonly string[];
  readonly name: string;
}

/** Corrupts a picture at each severity, one after the other, on one core. */
export interface CorruptionCase {
  readonly kind: "corruption";
  readonly group: "corruptions";
  readonly corruption: CorruptionName;
  /** Number of corrupted pictures in a call, one for each severity. */
  readonly batch: number;
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** One JPEG in base64, the same for both sides. The list is empty until the case is measured. */
  readonly pictures: readonly string[];
  readonly name: string;
}

export type BenchCase =
  | DepthwiseCase
  | BlockCase
  | AttentionCase
  | StepCase
  | MethodCase
  | InferenceCase
  | AugmentCase
  | CorruptionCase;

/** The maps of the four stages of ConvNeXt-T at 224 pixels. */
const stages = [
  { batch: 32, side: 56, channels: 96 },
  { batch: 32, side: 28, channels: 192 },
  { batch: 64, side: 14, channels: 384 },
  { batch: 64, side: 7, channels: 768 },
] as const;

const mapName = ({ batch, side, channels }: Omit<MapSize, "kernelSize">) =>
  `${batch}×${side}²×${channels}`;

/**
 * Lists the cases of a group.
 *
 * @param options.quick Returns a few cases only, which take about a minute.
 */
export function casesOf(
  group: Group,
  { quick }: { readonly quick: boolean },
): readonly BenchCase[] {
  switch (group) {
    case "micro":
      return depthwiseCases(quick ? [7, 15] : [3, 5, 7, 9, 15, 31, 51], quick ? 2 : 4);
    case "block":
      return blockCases(quick ? 2 : 4);
    case "attention":
      return attentionCases.slice(0, quick ? 1 : Infinity);
    case "step":
      return (quick ? [9] : [3, 7, 9, 15]).map((kernelSize) => tinyStep(kernelSize, quick ? 2 : 4));
    case "laptop":
      return (quick ? [7] : [7, 9]).map(laptopStep);
    case "methods":
      return [byolSteps, swavSteps].flatMap((steps) =>
        steps.slice(0, quick ? 1 : 2).map(methodCase)
      );
    case "inference":
      return inferenceCases(Object.keys(backbones).slice(0, quick ? 1 : Infinity), quick ? 4 : 16);
    case "augment":
      return [augmentCase(quick ? 4 : 16)];
    case "corruptions":
      return corruptionCases(
        quick
          ? ["gaussian_noise", "defocus_blur", "fog"]
          : [...corruptionNames, ...extraCorruptionNames],
      );
  }
}

function depthwiseCases(kernelSizes: readonly number[], stageCount: number): DepthwiseCase[] {
  return stages.slice(0, stageCount).flatMap((map) =>
    kernelSizes.flatMap((kernelSize) =>
      (["forward", "dX", "dW"] as const).map((pass): DepthwiseCase => ({
        kind: "depthwise",
        group: "micro",
        pass,
        ...map,
        kernelSize,
        name: `${pass} ${kernelSize}×${kernelSize}, ${mapName(map)}`,
      }))
    )
  );
}

/** ConvNeXt's block with its 7×7 kernel and BC-SSL's block with its 9×9 kernel, on each map. */
function blockCases(stageCount: number): BlockCase[] {
  return stages.slice(0, stageCount).flatMap((map) =>
    [7, 9].map((kernelSize): BlockCase => ({
      kind: "block",
      group: "block",
      ...map,
      kernelSize,
      batchNorm: kernelSize === 9,
      name: `${kernelSize === 9 ? "BC-SSL" : "ConvNeXt"} block, k = ${kernelSize}, ${mapName(map)}`,
    }))
  );
}

/** Eight images of 224 pixels: the first layer of Swin-T, whose windows are rolled, and ViT-S. */
const attentionCases: readonly AttentionCase[] = [
  { batch: 8 * 64, tokens: 49, heads: 3, headDim: 32, biases: 64, name: "Swin-T, first layer" },
  { batch: 8, tokens: 197, heads: 6, headDim: 64, biases: 0, name: "ViT-S" },
].map((size) => ({
  kind: "attention",
  group: "attention",
  ...size,
  name: `attention of ${size.name}, ${size.batch} × ${size.tokens} tokens`,
}));

/** The paper's recipe, with a batch that fits into a laptop's memory. */
export function tinyStep(kernelSize: number, batch: number): StepCase {
  const { globalSize, localSize, localCrops } = dinoCrops;
  return {
    kind: "step",
    group: "step",
    model: bcSslConfig("tiny", { kernelSize }),
    head: {
      hiddenDim: 2048,
      bottleneckDim: 256,
      outDim: 65_536,
      batchNorm: false,
      normLastLayer: true,
    },
    batch,
    globalSize,
    localSize,
    localCrops,
    name: `DINO step, BC-SSL-T, k = ${kernelSize}, ${batch} images × (2 + ${localCrops}) views`,
  };
}

/**
 * The step that `notebooks/00_start.ipynb` runs at scale `laptop`, with a kernel of the given size.
 */
function laptopStep(kernelSize: number): StepCase {
  const { model, head, crops, batchSize } = recipeAt(bcSslStart, "laptop");
  const { globalSize, localSize, localCrops } = crops;
  return {
    kind: "step",
    group: "laptop",
    model: { ...model, kernelSize } as ModelConfig,
    head,
    batch: batchSize,
    globalSize,
    localSize,
    localCrops,
    name: `DINO step, laptop, k = ${kernelSize}, ${batchSize} images × (2 + ${localCrops}) views`,
  };
}

/** A step on the small images of the notebooks, and one with BC-SSL-T and the method's own sizes. */
type Steps = readonly [small: MethodCase["recipe"], large: MethodCase["recipe"]];

const byolSteps: Steps = [
  recipeAt(byolStart, "laptop") as ByolRecipe,
  {
    ...{ ...byolStart.recipe, epochs: 1, batchSize: 8, model: bcSslConfig("tiny") },
    ...{ head: { hiddenDim: 4096, outDim: 256 }, crops: byolCrops, optimizer: "lars_byol" },
  },
];
const swavSteps: Steps = [
  recipeAt(swavStart, "laptop") as SwavRecipe,
  {
    ...{ ...swavStart.recipe, epochs: 1, batchSize: 4, model: bcSslConfig("tiny") },
    head: { hiddenDim: 2048, outDim: 128, prototypes: 3000 },
    ...{ crops: swavCrops, optimizer: "lars_swav", queueLength: 0 },
  },
];

function methodCase(recipe: MethodCase["recipe"]): MethodCase {
  const { method, crops: { globalSize, localCrops }, batchSize: batch } = recipe;
  const name = method === "byol" ? "BYOL" : "SwAV";
  return {
    kind: "method",
    group: "methods",
    recipe,
    batch,
    name: `${name} step, ${batch} images × ${2 + localCrops} views of up to ${globalSize}²`,
  };
}

/**
 * The backbones of the paper's Table 3 that fit a laptop, and the ConvNeXt that BC-SSL is made
 * from.
 */
const backbones: Readonly<Record<string, Pick<InferenceCase, "model" | "timm">>> = {
  "BC-SSL-T": { model: bcSslConfig("tiny") },
  "BC-SSL-S": { model: bcSslConfig("small") },
  "ConvNeXt-T": { model: convNeXtConfig("tiny") },
  "RN50": { model: resNetConfig(50), timm: "resnet50" },
  "ViT-S/16": { model: vitConfig("small"), timm: "vit_small_patch16_224" },
  "ViT-B/16": { model: vitConfig("base"), timm: "vit_base_patch16_224" },
  "Swin-T": { model: swinConfig("tiny"), timm: "swin_tiny_patch4_window7_224" },
  "Swin-S": { model: swinConfig("small"), timm: "swin_small_patch4_window7_224" },
};

function inferenceCases(names: readonly string[], batch: number): InferenceCase[] {
  return names.map((name) => ({
    kind: "inference",
    group: "inference",
    ...backbones[name]!,
    batch,
    size: 224,
    name: `inference, ${name}, ${batch} images of 224²`,
  }));
}

/** Pictures of 500×375 pixels, the commonest size in ImageNet. */
function augmentCase(batch: number): AugmentCase {
  const [width, height] = [500, 375];
  const { globalSize, localCrops, localSize } = dinoCrops;
  return {
    kind: "augment",
    group: "augment",
    batch,
    width,
    height,
    recipe: dinoCrops,
    pictures: [],
    name:
      `${batch} JPEGs of ${width}×${height} to 2 views of ${globalSize}² and ${localCrops} of ${localSize}²`,
  };
}

/** Pictures of 224×224 pixels, the usual input size of a network. */
function corruptionCases(names: readonly CorruptionName[]): CorruptionCase[] {
  return names.map((corruption) => ({
    kind: "corruption",
    group: "corruptions",
    corruption,
    batch: 5,
    width: 224,
    height: 224,
    pictures: [],
    name: `${corruption}, 224², five severities`,
  }));
}
