/** The contract of every backbone family: what it builds, what it can be asked, and how it runs. */
import type * as tf from "lib/tf.ts";
import type { World } from "lib/distributed/world.ts";
import type { Rng } from "lib/rng.ts";
import type { LinearParams } from "lib/nn/linear.ts";
import type { Precision } from "lib/nn/linear.ts";
import type { Schema } from "lib/schema/fields.ts";

/**
 * Receives the output of each module under its official name (`stages.3.2`, `blocks.11.norm1`) and
 * returns the tensor that the network goes on with: the same one to observe, another one to change
 * the network.
 */
export type Tap = <T extends tf.AnyTensor>(name: string, output: T) => T;

/** How a network runs. */
export interface ForwardOptions {
  /** True: BatchNorm uses the batch's statistics and moves its running ones, and paths drop. */
  readonly training: boolean;
  /** The random stream of this step, for stochastic depth; without it no path drops. */
  readonly rng?: Rng;
  /**
   * Any tap, even one that changes nothing, makes blocks run layer by layer, so that there are
   * outputs to tap: slower than without one, and with other last digits.
   */
  readonly tap?: Tap;
  /**
   * Precision of the products with weights in the blocks of ConvNeXt, BC-SSL, SLaK, ViT and Swin,
   * and in a ResNet forward only. All other products are in fp32.
   */
  readonly precision?: Precision;
  /** Whether the output has {@linkcode BackboneOutput.tokens} too. By default, it has not. */
  readonly tokens?: boolean;
  /**
   * The processes that share the batch: in training, BatchNorm takes its statistics over the images
   * of all. By default, this process alone.
   */
  readonly world?: World;
}

/** The output of every backbone; the caller owns all of it. */
export interface BackboneOutput {
  /**
   * The output of each stage, fine to coarse, `[B, H, W, C]`; a plain transformer has one stage:
   * its last block's patches.
   */
  readonly stages: readonly tf.Tensor4D[];
  /** The feature vectors that a k-NN compares and a classifier reads, `[B, featureDim]`. */
  readonly features: tf.Tensor2D;
  /**
   * One vector for each position of the last map, row by row, after the network's last norm and
   * before any pooling, `[B, N, featureDim]`; a transformer's are its patches. Only there if the
   * options ask for them.
   */
  readonly tokens?: tf.Tensor3D;
}

/** The output of a model; the caller owns all of it. */
export interface ModelOutput extends BackboneOutput {
  /** `[B, classes]`, if the model has a classifier. */
  readonly logits?: tf.Tensor2D;
}

/**
 * Whose code is to read a file of weights:
 *
 * - `official`: that of the network's authors: Meta's ConvNeXt, BC-SSL's, DINO's ViT, torchvision's
 *   ResNet, Microsoft's Swin, RepLKNet's, SLaK's. A network that only this library has keeps its
 *   names here.
 * - `esvit`: EsViT's Swin, and with it DINO's Swins in BC-SSL's code: the official one without the
 *   masks.
 * - `timm`: timm's.
 * - `huggingface`: `from_pretrained` of Hugging Face's transformers.
 */
export type WeightsFormat = "official" | "esvit" | "timm" | "huggingface";

/** A network's weights as another code has them. */
export interface WeightsForm {
  /**
   * Their names of one of our weights; several are its equal parts along the first axis in
   * PyTorch's order.
   */
  namesOf(ours: string): readonly string[];
  /** Their shape of a weight, where it has axes of 1 that PyTorch's own order here leaves out. */
  shapeOf?(ours: string, shape: readonly number[]): readonly number[];
  /** What they save beside the weights, and what follows from the network's sizes. */
  buffers?(): ReadonlyMap<string, WeightsBuffer>;
}

/** An array in a file of weights that is not learned; row-major. */
export interface WeightsBuffer {
  /** Lengths of its axes. */
  readonly shape: readonly number[];
  /** Its values, row by row. */
  readonly values: Float32Array;
  /** Whether it is kept as 64-bit integers. */
  readonly integers?: boolean;
}

/** A built backbone: weights and the functions that need them. */
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
   * The form of the weights in another code's files; `undefined` where that code has no such
   * network. Without this method the official form is ours, and there is no other.
   *
   * @param options.head Whether a classifier is saved with the backbone.
   */
  weightsForm?(
    format: WeightsFormat,
    options: { readonly head: boolean },
  ): WeightsForm | undefined;
  /** How a linear probe reads the last blocks; without it, a probe reads `features`. */
  readonly probe?: BlockProbe;
}

/** How a linear probe reads the last blocks of a transformer. */
export interface BlockProbe {
  /** Official names of all blocks, in order. */
  readonly blocks: readonly string[];
  /** How many of the last blocks are read by default. */
  readonly lastBlocks: number;
  /** Whether the mean of the patch tokens is read by default. */
  readonly avgPool: boolean;
  /**
   * False where there is no class token, so that the mean of the tokens is all there is to read.
   */
  readonly hasClassToken: boolean;
  /**
   * The features that a probe reads, in evaluation mode.
   *
   * @param outputs Outputs of the last blocks, the last one last.
   * @returns `[B, D]`
   */
  features(outputs: readonly tf.AnyTensor[], options: { readonly avgPool: boolean }): tf.Tensor2D;
}

/** The output of one stage. */
export interface Stage {
  /** Channels. */
  readonly dim: number;
  /** Pixels of the image per position of the map. */
  readonly stride: number;
}

/** Groups of layers for a learning rate that decays towards the image. */
export interface LayerGroups {
  /** Number of groups. */
  readonly count: number;
  /**
   * The group of a weight, 0 the nearest to the image; `count` for a weight after the last block.
   *
   * @param name As in the backbone's own files: `stages.2.5.pwconv1.weight`.
   */
  of(name: string): number;
}

/** What is known of a family's configs without its code: reading it loads no engine. */
export interface ConfigFacts<Config> {
  /**
   * What its configs may be; `createModel` checks it before it builds a network.
   *
   * @internal
   */
  readonly schema: Schema<Config>;
  /** How this family's detectors use the backbone. */
  readonly detector: DetectorUse;
}

/** A family of backbones: how one is built, and all that other rooms ask about one. */
export interface Family<Config extends { readonly arch: string }> extends ConfigFacts<Config> {
  /**
   * Builds a backbone with fresh weights.
   *
   * @throws {RangeError} If sizes do not fit each other.
   *
   * @internal
   */
  readonly create: (config: Config, rng: Rng) => Backbone;
  /** The stages of {@linkcode BackboneOutput}, fine to coarse. */
  readonly stages: (config: Config) => readonly Stage[];
  /**
   * Official names of the modules that class activation maps can look at, one for each stage: the
   * last block of a CNN's stage, the first LayerNorm of the last block of a transformer's. (After a
   * ViT's last block a class depends on the class token alone, so no patch would matter.) The paper
   * looks at the last of them (§5.1). An output is a map `[B, H, W, C]` or a list of tokens
   * `[B, N, C]`.
   */
  readonly camLayers: (config: Config) => readonly string[];
  /** Groups for layer-wise decay of the learning rate; absent where no recipe defines any. */
  readonly layerGroups?: (config: Config) => LayerGroups;
  /** Precisions other than fp32 that its blocks can be computed in. */
  readonly precisions: readonly Precision[];
  /**
   * Merges branches that were trained side by side into one kernel each; absent in families without
   * such branches.
   *
   * @param params Weights of the backbone, and of a classifier if there is one.
   * @returns Copies of all weights; undefined if the branches are merged already.
   *
   * @internal
   */
  readonly merge?: (params: object, config: Config) => Merged<Config> | undefined;
}

/** How a family's detectors use the backbone. */
export interface DetectorUse {
  /** Whether each stage's map goes through a LayerNorm of its own first. */
  readonly normedMaps: boolean;
  /** Whether torchvision's recipe keeps the BatchNorms of a pre-trained backbone constant. */
  readonly frozenBatchNorm: boolean;
}

/** A network whose branches are merged. */
export interface Merged<Config> {
  readonly config: Config;
  readonly backbone: Backbone;
  /** The classifier, if there was one. */
  readonly head: LinearParams | null;
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

/**
 * The field `tokens` of a backbone's output, if the options ask for it.
 *
 * @param normed Computes the map after the last norm, `[B, H, W, C]`.
 */
export function tokensIf(
  wanted: boolean | undefined,
  normed: () => tf.Tensor4D,
): Pick<BackboneOutput, "tokens"> {
  if (!wanted) return {};
  const map = normed();
  const [batch, height, width, channels] = map.shape;
  return { tokens: map.reshape<tf.Tensor3D>([batch, height * width, channels]) };
}

/** The tap that neither looks nor changes. */
export const keepOutput: Tap = (_, output) => output;

/**
 * The tap of a module inside another: what it receives as `norm`, `tap` receives as
 * `stages.0.1.norm` if `prefix` is `stages.0.1`. Without a tap there is none inside either.
 */
export function tapWithin(tap: Tap | undefined, prefix: string): Tap | undefined {
  return tap && ((name, output) => tap(`${prefix}.${name}`, output));
}

/**
 * `linspace(0, rate, blocks)` over all blocks, split by stage: how likely each block's branch is to
 * drop.
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
