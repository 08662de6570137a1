/** Builds the networks of all families. */
import { useNativeKernels } from "lib/native/mod.ts";
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { linear, type LinearParams } from "lib/nn/linear.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { families, familyOf, type ModelConfig } from "lib/models/families.ts";
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

export { type Arch, families, familyOf, type ModelConfig } from "lib/models/families.ts";
export type {
  BackboneOutput,
  BlockProbe,
  DetectorUse,
  Family,
  ForwardOptions,
  LayerGroups,
  ModelOutput,
  Stage,
  Tap,
  WeightsForm,
  WeightsFormat,
} from "lib/models/parts/backbone.ts";
export {
  bcSslConfig,
  convNeXtConfig,
  type ConvNeXtSize,
} from "lib/models/convnext/convnext_configs.ts";
export { convNeXtIsotropicConfig } from "lib/models/convnext/convnext_isotropic_configs.ts";
export { repLKNetConfig, type RepLKNetSize } from "lib/models/replknet/replknet_configs.ts";
export { resNetConfig, type ResNetOptions } from "lib/models/resnet/resnet_configs.ts";
export { sLaKConfig, type SLaKSize } from "lib/models/slak/slak_configs.ts";
export { vitConfig, type ViTSize } from "lib/models/vit/vit_configs.ts";
export { swinConfig, type SwinSize } from "lib/models/swin/swin_configs.ts";
export { intermediates } from "lib/models/intermediates.ts";
export { type ModuleCost, summarize, totalCost } from "lib/models/summary.ts";

useNativeKernels(); // before the first network runs; see lib/nn/fused.ts

/** A network: its weights, and a pure call on them. */
export interface Model {
  readonly config: ModelConfig;
  /** Tree of variables; paths are the official weight names. */
  readonly params: object;
  /** Length of the feature vector. */
  readonly featureDim: number;
  /**
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

export interface CreateModelOptions {
  /** Classes of a linear classifier on the features; by default there is none. */
  readonly numClasses?: number;
}

/**
 * Builds a network with fresh weights.
 *
 * @throws {RangeError} If the architecture is unknown, or a size makes no sense.
 * @throws {TypeError} If an option is unknown or missing.
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
