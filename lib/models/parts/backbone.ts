/** What every backbone is, whichever its family. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { LinearParams } from "lib/nn/linear.ts";
import type { Precision } from "lib/nn/pointwise.ts";

/**
 * Sees the output of each module under its official name (`stages.3.2`, `blocks.11.norm1`), and returns what goes on
 * from there: itself, to look; something else, to change it.
 */
export type Tap = <T extends tf.Tensor>(name: string, output: T) => T;

/** How a network runs. */
export interface ForwardOptions {
  /** True: BatchNorm uses the batch's statistics and moves its running ones, and paths drop. */
  readonly training: boolean;
  /** The step's stream, for stochastic depth; without it no path drops. */
  readonly rng?: Rng;
  readonly tap?: Tap;
  /** Of the products in the blocks of ConvNeXt, BC-SSL and SLaK; all others are in fp32, and these with a tap too. */
  readonly precision?: Precision;
}

/** What every backbone gives; the caller owns all of it. */
export interface BackboneOutput {
  /** The output of each stage, fine to coarse, `[B, H, W, C]`; a plain transformer has one, its last block's patches. */
  readonly stages: readonly tf.Tensor4D[];
  /** What a k-NN compares and a classifier is put on, `[B, featureDim]`. */
  readonly features: tf.Tensor2D;
}

export interface ModelOutput extends BackboneOutput {
  /** `[B, classes]`, of a model with a classifier. */
  readonly logits?: tf.Tensor2D;
}

/**
 * Whose code is to read a file of weights:
 *
 * - `official`: that of the network's authors: Meta's ConvNeXt, BC-SSL's, DINO's ViT, torchvision's ResNet, Microsoft's
 *   Swin, RepLKNet's, SLaK's. A network that only this library has keeps its names here.
 * - `esvit`: EsViT's Swin, and with it DINO's Swins in BC-SSL's code: the official one without the masks.
 * - `timm`: timm's.
 * - `huggingface`: `from_pretrained` of Hugging Face's transformers.
 */
export type WeightsFormat = "official" | "esvit" | "timm" | "huggingface";

/** A network's weights as another code has them. */
export interface WeightsForm {
  /** Their names of one of our weights; several are its equal parts along the first axis in PyTorch's order. */
  namesOf(ours: string): readonly string[];
  /** Their shape of a weight, where it has axes of 1 that PyTorch's own order here leaves out. */
  shapeOf?(ours: string, shape: readonly number[]): readonly number[];
  /** What they save beside the weights, and what follows from the network's sizes. */
  buffers?(): ReadonlyMap<string, WeightsBuffer>;
}

/** An array in a file of weights that is not learned; row-major. */
export interface WeightsBuffer {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Whether it is kept as 64-bit integers. */
  readonly integers?: boolean;
}

/** What a family's file builds. */
export interface Backbone {
  /** Tree of variables; paths are the official weight names. */
  readonly params: object;
  /** Length of the feature vector. */
  readonly featureDim: number;
  /** The classifier's name in official files. */
  readonly headName: "head" | "fc";
  createHead(classes: number, rng: Rng): LinearParams;
  /** @param x `[B, H, W, 3]`, normalised. */
  forward(x: tf.Tensor4D, options: ForwardOptions): BackboneOutput;
  /** See {@linkcode Model.officialNames}. */
  officialNames?(names: readonly string[]): ReadonlyMap<string, string>;
  /**
   * The form of the weights in another code's files; `undefined` where that code has no such network. Without this
   * method the official form is ours, and there is no other.
   *
   * @param options.head Whether a classifier is saved with the backbone.
   */
  weightsForm?(
    format: WeightsFormat,
    options: { readonly head: boolean },
  ): WeightsForm | undefined;
}

/** The form in which every weight keeps its name here. */
export const ownForm: WeightsForm = { namesOf: (ours) => [ours] };

/**
 * Refuses an input that is no batch of colour pictures.
 *
 * @throws {TypeError} The message says what shape is needed and how to get there.
 */
export function checkPictures(x: tf.Tensor, arch: string): void {
  if (x.rank === 4 && x.shape[3] === 3) return;
  const hint = pictureHint(x.shape);
  throw new TypeError(
    `Cannot run "${arch}" on shape [${x.shape.join(", ")}]: need [B, H, W, 3]${
      hint ? `; ${hint}` : ""
    }`,
  );
}

function pictureHint(shape: readonly number[]): string {
  if (shape.length === 3) return "for one picture give x.expandDims(0)";
  if (shape.length !== 4) return "";
  if (shape[1] === 3) {
    return "this looks like NCHW, as PyTorch has it: give x.transpose([0, 2, 3, 1])";
  }
  if (shape[3] === 1) return "for grey pictures give x.tile([1, 1, 1, 3])";
  if (shape[3] === 4) {
    return "without the transparency: give x.slice([0, 0, 0, 0], [-1, -1, -1, 3])";
  }
  return "";
}

/** The tap that neither looks nor changes. */
export const keepOutput: Tap = (_, output) => output;

/** The tap of a module inside another: `stages.0.1` of `tap`, `norm` of this one, is `stages.0.1.norm`. */
export function tapWithin(tap: Tap | undefined, prefix: string): Tap {
  return tap ? (name, output) => tap(`${prefix}.${name}`, output) : keepOutput;
}

/**
 * `linspace(0, rate, blocks)` over all blocks, split by stage: how likely each block's branch is to drop.
 *
 * @param depths Blocks of each stage.
 */
export function dropPathRates(depths: readonly number[], rate: number): number[][] {
  const last = depths.reduce((sum, depth) => sum + depth, 0) - 1;
  let block = 0;
  return depths.map((depth) =>
    Array.from({ length: depth }, () => last === 0 ? 0 : rate * block++ / last)
  );
}

/**
 * Refuses a config that is not of its family.
 *
 * @param example A whole config of the same family.
 * @throws {TypeError} If a key is unknown or missing; the message names it and those there are.
 */
export function checkKeys<T extends { readonly arch: string }>(config: T, example: T): void {
  const known = Object.keys(example);
  for (const key of Object.keys(config)) {
    if (known.includes(key)) continue;
    throw new TypeError(
      `Cannot build "${config.arch}": unknown option "${key}"; use ${known.join(", ")}`,
    );
  }
  for (const key of known) {
    if (key in config) continue;
    throw new TypeError(`Cannot build "${config.arch}": option "${key}" is missing`);
  }
}
