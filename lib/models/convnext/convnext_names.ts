/** What other libraries call ConvNeXt's weights. */

/** A rule of renaming: the first that matches wins. */
type Rule = readonly [RegExp, string];

/** timm's `convnext_*` */
const timm: readonly Rule[] = [
  [/^stem\.([01])\./, "downsample_layers.0.$1."],
  [/^stages\.(\d+)\.downsample\.([01])\./, "downsample_layers.$1.$2."],
  [/^stages\.(\d+)\.blocks\.(\d+)\.conv_dw\./, "stages.$1.$2.dwconv."],
  [/^stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc([12])\./, "stages.$1.$2.pwconv$3."],
  [/^stages\.(\d+)\.blocks\.(\d+)\./, "stages.$1.$2."],
  [/^head\.norm\./, "norm."],
  [/^head\.fc\./, "head."],
];

/** Hugging Face's `ConvNextModel`, with or without its classifier. */
const huggingFace: readonly Rule[] = [
  [/^(?:convnext\.)?embeddings\.patch_embeddings\./, "downsample_layers.0.0."],
  [/^(?:convnext\.)?embeddings\.layernorm\./, "downsample_layers.0.1."],
  [
    /^(?:convnext\.)?encoder\.stages\.(\d+)\.downsampling_layer\.([01])\./,
    "downsample_layers.$1.$2.",
  ],
  [
    /^(?:convnext\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.layer_scale_parameter$/,
    "stages.$1.$2.gamma",
  ],
  [
    /^(?:convnext\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.layernorm\./,
    "stages.$1.$2.norm.",
  ],
  [/^(?:convnext\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\./, "stages.$1.$2."],
  [/^(?:convnext\.)?layernorm\./, "norm."],
  [/^classifier\./, "head."],
];

/** The public BC-SSL code, where the depthwise convolution is one that a small kernel could be merged into. */
const bcSsl: readonly Rule[] = [
  [/\.large_kernel\.lkb_origin\.conv\./, ".dwconv."],
  [/\.large_kernel\.lkb_origin\.bn\./, ".bn."],
];

const rules = [...timm, ...huggingFace, ...bcSsl];

/** The official name of each weight; one that no rule knows keeps its own. */
export function convNeXtNames(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => {
    const rule = rules.find(([pattern]) => pattern.test(name));
    return [name, rule ? name.replace(rule[0], rule[1]) : name];
  }));
}
