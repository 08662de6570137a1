/** ConvNeXt's weights under the names of other libraries. */
import { ownForm, type WeightsForm, type WeightsFormat } from "lib/models/parts/backbone.ts";
import { type NamePair, toOurs, toTheirs, withPrefix } from "lib/models/parts/renaming.ts";
import type { ConvNeXtConfig } from "lib/models/convnext/convnext_configs.ts";

/** timm's `convnext_*` */
const timm: readonly NamePair[] = [
  ["downsample_layers.0.#.*", "stem.#.*"],
  ["downsample_layers.#.#.*", "stages.#.downsample.#.*"],
  ["stages.#.#.dwconv.*", "stages.#.blocks.#.conv_dw.*"],
  ["stages.#.#.pwconv1.*", "stages.#.blocks.#.mlp.fc1.*"],
  ["stages.#.#.pwconv2.*", "stages.#.blocks.#.mlp.fc2.*"],
  ["stages.#.#.*", "stages.#.blocks.#.*"],
  ["norm.*", "head.norm.*"],
  ["head.*", "head.fc.*"],
];

/**
 * Hugging Face's `ConvNextModel`.
 *
 * Differs: its last LayerNorm adds 1e-12 to the variance by default, the official one and this
 * 1e-6.
 */
const huggingFace: readonly NamePair[] = [
  ["downsample_layers.0.0.*", "embeddings.patch_embeddings.*"],
  ["downsample_layers.0.1.*", "embeddings.layernorm.*"],
  ["downsample_layers.#.#.*", "encoder.stages.#.downsampling_layer.#.*"],
  ["stages.#.#.gamma", "encoder.stages.#.layers.#.layer_scale_parameter"],
  ["stages.#.#.norm.*", "encoder.stages.#.layers.#.layernorm.*"],
  ["stages.#.#.*", "encoder.stages.#.layers.#.*"],
  ["norm.*", "layernorm.*"],
  ["head.*", "classifier.*"],
];

/**
 * The public BC-SSL code, where the depthwise convolution is one that a small kernel could be
 * merged into.
 */
const bcSsl: readonly NamePair[] = [
  ["stages.#.#.dwconv.*", "stages.#.#.large_kernel.lkb_origin.conv.*"],
  ["stages.#.#.bn.*", "stages.#.#.large_kernel.lkb_origin.bn.*"],
  ["*", "*"],
];

const ourName = toOurs([...timm, ...huggingFace, ...bcSsl]);

/** Our name of each weight; one that no rule knows keeps its own. */
export function convNeXtNames(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name, ourName(name.replace(/^convnext\./, ""))]));
}

const [toTimm, toHuggingFace, toBcSsl] = [timm, huggingFace, bcSsl].map(toTheirs);

/**
 * The form in other code's files. A depthwise convolution without a bias makes a network BC-SSL's,
 * which only the authors' code has.
 */
export function convNeXtForm(
  format: WeightsFormat,
  { dims, batchNorm, dwconvBias }: ConvNeXtConfig,
  head: boolean,
): WeightsForm | undefined {
  const isConvNeXt = dwconvBias && !batchNorm;
  switch (format) {
    case "official":
      if (dwconvBias) return ownForm;
      return { namesOf: (ours) => toBcSsl!(ours)! };
    case "timm": {
      if (!isConvNeXt) return undefined;
      const asConvolution = dims[0]! < 96; // timm's sizes below tiny multiply by 1×1 convolutions
      const isPointwise = /\.pwconv[12]\.weight$/;
      return {
        namesOf: (ours) => toTimm!(ours)!,
        shapeOf: (ours, shape) =>
          asConvolution && isPointwise.test(ours) ? [...shape, 1, 1] : shape,
      };
    }
    case "huggingface":
      return isConvNeXt ? { namesOf: withPrefix("convnext.", toHuggingFace!, head) } : undefined;
    default:
      return undefined;
  }
}
