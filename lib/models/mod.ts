/** Builds the networks of all families. */
import { useNativeKernels } from "lib/native/mod.ts";
import { useWebGpuKernels } from "lib/webgpu/mod.ts";
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { linear, type LinearParams } from "lib/nn/linear.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { families, familyOf } from "lib/models/families.ts";
import type { ModelConfig } from "lib/models/family_configs.ts";
import { checkModelConfig } from "lib/models/model_schema.ts";
import {
  type Backbone,
  type BlockProbe,
  checkPictures,
  type ForwardOptions,
  type ModelOutput,
  ownForm,
  type WeightsForm,
  type WeightsFormat,
} from "lib/models/parts/backbone.ts";

export { families, familyOf } from "lib/models/families.ts";
export type { Arch, ModelConfig } from "lib/models/family_configs.ts";
export type {
  BackboneOutput,
  BlockProbe,
  ConfigFacts,
  DetectorUse,
  Family,
  ForwardOptions,
  LayerGroups,
  ModelOutput,
  Stage,
  Tap,
  WeightsBuffer,
  WeightsForm,
  WeightsFormat,
} from "lib/models/parts/backbone.ts";
export {
  bcSslConfig,
  type ConvNeXtBlockConfig,
  type ConvNeXtConfig,
  convNeXtConfig,
  type ConvNeXtSize,
} from "lib/models/convnext/convnext_configs.ts";
export {
  type ConvNeXtIsotropicConfig,
  convNeXtIsotropicConfig,
  type ConvNeXtIsotropicSize,
} from "lib/models/convnext/convnext_isotropic_configs.ts";
export {
  type RepLKNetConfig,
  repLKNetConfig,
  type RepLKNetSize,
} from "lib/models/replknet/replknet_configs.ts";
export {
  type ResNetConfig,
  resNetConfig,
  type ResNetDepth,
  type ResNetOptions,
} from "lib/models/resnet/resnet_configs.ts";
export { type IGptConfig, iGptConfig, type IGptSize } from "lib/models/igpt/igpt_configs.ts";
export { type SLaKConfig, sLaKConfig, type SLaKSize } from "lib/models/slak/slak_configs.ts";
export {
  mocoV3ViTConfig,
  type ViTConfig,
  vitConfig,
  type ViTOptions,
  type ViTSize,
} from "lib/models/vit/vit_configs.ts";
export { type SwinConfig, swinConfig, type SwinSize } from "lib/models/swin/swin_configs.ts";
export type { StagesConfig } from "lib/models/convnext/convnext_stages.ts";
export { intermediates, type WithIntermediates } from "lib/models/intermediates.ts";
export {
  type Countable,
  type ModuleCost,
  summarize,
  type SummaryOptions,
  totalCost,
} from "lib/models/summary.ts";
export type { Precision } from "lib/nn/linear.ts";
export type { Packing, World } from "lib/distributed/world.ts";
export type { Rng } from "lib/rng.ts";
export type { AnyTensor, Tensor2D, Tensor3D, Tensor4D } from "lib/tf.ts";

// Before the first network runs; see lib/nn/fused.ts. Each is for one backend, and else does nothing.
useNativeKernels();
useWebGpuKernels();

/** A network: its weights, and a pure call on them. */
export interface Model {
  /** The config that it was built from. */
  readonly config: ModelConfig;
  /** Tree of variables; paths are the official weight names. */
  readonly params: object;
  /** Length of the feature vector. */
  readonly featureDim: number;
  /**
   * Runs the network.
   *
   * @param x `[B, H, W, 3]`, normalised.
   * @returns The stages' maps, the pooled features and the classifier's logits; the caller owns
   *   them.
   * @throws {TypeError} If `x` has another shape, such as PyTorch's `[B, 3, H, W]`.
   * @throws {RangeError} If the image is too small for the network.
   */
  forward(x: tf.Tensor4D, options: ForwardOptions): ModelOutput;
  /**
   * Our name of each weight in a file of another library. A name that no rule knows stays as it is;
   * `qkv.weight[0:3]` is the first of three equal parts of `qkv.weight`; an empty name is a weight
   * of a layer that is not built here.
   */
  officialNames(names: readonly string[]): ReadonlyMap<string, string>;
  /**
   * The form of the weights in another code's files; `undefined` where that code has no such
   * network.
   */
  weightsForm(format: WeightsFormat): WeightsForm | undefined;
  /** How a linear probe reads the last blocks; absent where it reads `features`. */
  readonly probe?: BlockProbe;
  /** Frees the weights: `{ using model = createModel(…); … }` does it at the brace. */
  [Symbol.dispose](): void;
}

/** What a network has beside its backbone. */
export interface CreateModelOptions {
  /** Classes of a linear classifier on the features; by default there is none. */
  readonly numClasses?: number;
}

/**
 * Builds a network with fresh weights.
 *
 * @throws {RangeError} If the architecture is unknown, or a size makes no sense.
 * @throws {TypeError} If an option is unknown or missing.
 *
 * @example
 * ```ts
 * import { bcSslConfig, createModel } from "lib/models/mod.ts";
 * import { createRng } from "lib/rng.ts";
 * import * as tf from "lib/tf.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * using model = createModel(bcSslConfig("atto"), createRng(0), { numClasses: 10 });
 * const images = tf.zeros<tf.Rank.R4>([2, 64, 64, 3]);
 * const { stages, features, logits } = model.forward(images, { training: false });
 * assertEquals(stages.at(-1)!.shape, [2, 2, 2, 320]);
 * assertEquals(features.shape, [2, model.featureDim]);
 * assertEquals(logits!.shape, [2, 10]);
 * tf.dispose([images, ...stages, features, logits!]);
 * ```
 */
export function createModel(
  config: ModelConfig,
  rng: Rng,
  { numClasses = 0 }: CreateModelOptions = {},
): Model {
  checkModelConfig(config, numClasses);
  const backbone = familyOf(config).create(config, rng);
  const { createHead, headName } = backbone;
  return assemble(
    config,
    backbone,
    numClasses > 0 ? createHead(numClasses, rng.fork(headName)) : null,
  );
}

function assemble(config: ModelConfig, backbone: Backbone, head: LinearParams | null): Model {
  const { featureDim, headName } = backbone;
  const params = head ? { ...backbone.params, [headName]: head } : backbone.params;
  return {
    config,
    params,
    featureDim,
    forward: (x, options) => {
      checkPictures(x, config.arch);
      return withHead(backbone, head, x, options);
    },
    officialNames: (names) =>
      backbone.officialNames?.(names) ?? new Map(names.map((name) => [name, name])),
    weightsForm: (format) =>
      backbone.weightsForm
        ? backbone.weightsForm(format, { head: head !== null })
        : format === "official"
        ? ownForm
        : undefined,
    ...(backbone.probe ? { probe: backbone.probe } : {}),
    [Symbol.dispose]: () => disposeTree(params),
  };
}

/**
 * The same network in its form for evaluation: branches that were trained side by side are merged
 * into one kernel each, which gives the same output in less time (RepLKNet's structural
 * re-parameterisation).
 *
 * @returns A model of its own weights; `model` stays as it is.
 * @throws {RangeError} If the network has no branches to merge.
 *
 * @example
 * ```ts
 * import { createModel, reparameterize, repLKNetConfig } from "lib/models/mod.ts";
 * import { createRng } from "lib/rng.ts";
 * import * as tf from "lib/tf.ts";
 * import { assertClose } from "lib/testing/assert.ts";
 *
 * using trained = createModel(repLKNetConfig("nano"), createRng(0));
 * using merged = reparameterize(trained);
 * const images = tf.randomNormal<tf.Rank.R4>([1, 32, 32, 3], 0, 1, "float32", 7);
 * const [before, after] = [trained, merged].map((model) =>
 *   model.forward(images, { training: false })
 * );
 * assertClose(after!.features, before!.features, 1e-3);
 * tf.dispose([images, ...before!.stages, ...after!.stages, before!.features, after!.features]);
 * ```
 */
export function reparameterize({ config, params }: Model): Model {
  const { merge } = familyOf(config);
  const merged = merge?.(params, config);
  if (merged) return assemble(merged.config, merged.backbone, merged.head);
  const form = merge ? `a merged ${config.arch}` : `"${config.arch}"`;
  const mergeable = Object.keys(families).filter((arch) => familyOf({ arch }).merge);
  throw new RangeError(
    `Cannot merge branches of ${form}: only ${mergeable.join(", ")} in training has them`,
  );
}

function withHead(
  { forward, headName }: Backbone,
  head: LinearParams | null,
  x: tf.Tensor4D,
  options: ForwardOptions,
): ModelOutput {
  const output = forward(x, options);
  if (!head) return output;
  const logits = linear(output.features, head);
  return { ...output, logits: options.tap?.(headName, logits) ?? logits };
}
