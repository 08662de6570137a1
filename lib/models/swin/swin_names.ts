/** Swin's weights under the names of other libraries. */
import {
  ownForm,
  type WeightsBuffer,
  type WeightsForm,
  type WeightsFormat,
} from "lib/models/parts/backbone.ts";
import {
  type NamePair,
  ofEachStage,
  toOurs,
  toTheirs,
  withPrefix,
} from "lib/models/parts/renaming.ts";
import type { SwinConfig } from "lib/models/swin/swin_configs.ts";
import {
  offsetsWithin,
  rollMaskValues,
  windowOf,
  windowPlan,
} from "lib/models/swin/swin_windows.ts";

/** timm's layers begin with the downsampling that the official ones end with. */
const timm: readonly NamePair[] = [
  ...ofEachStage((i) => [[`layers.${i}.downsample.*`, `layers.${i + 1}.downsample.*`]]),
  ["head.*", "head.fc.*"],
  ["*", "*"],
];

const block = "layers.#.blocks.#";

/** What the files of Hugging Face's `SwinModel` and its modules have in common. */
const shared: readonly NamePair[] = [
  ["patch_embed.proj.*", "embeddings.patch_embeddings.projection.*"],
  ["patch_embed.norm.*", "embeddings.norm.*"],
  [`${block}.norm1.*`, `encoder.${block}.layernorm_before.*`],
  [`${block}.norm2.*`, `encoder.${block}.layernorm_after.*`],
  ["layers.#.downsample.*", "encoder.layers.#.downsample.*"],
  ["norm.*", "layernorm.*"],
  ["head.*", "classifier.*"],
];

/** The files that `save_pretrained` writes. */
const huggingFace: readonly NamePair[] = [
  [
    `${block}.attn.relative_position_bias_table`,
    `encoder.${block}.attention.self.relative_position_bias_table`,
  ],
  [
    `${block}.attn.qkv.*`,
    ["query", "key", "value"].map((name) => `encoder.${block}.attention.self.${name}.*`),
  ],
  [`${block}.attn.proj.*`, `encoder.${block}.attention.output.dense.*`],
  [`${block}.mlp.fc1.*`, `encoder.${block}.intermediate.dense.*`],
  [`${block}.mlp.fc2.*`, `encoder.${block}.output.dense.*`],
  ...shared,
];

/** The modules since version 5 of transformers, as `state_dict()` names them. */
const huggingFaceModules: readonly NamePair[] = [
  [
    `${block}.attn.relative_position_bias_table`,
    `encoder.${block}.attention.relative_position_bias.relative_position_bias_table`,
  ],
  [
    `${block}.attn.qkv.*`,
    ["q", "k", "v"].map((name) => `encoder.${block}.attention.${name}_proj.*`),
  ],
  [`${block}.attn.proj.*`, `encoder.${block}.attention.o_proj.*`],
  [`${block}.mlp.*`, `encoder.${block}.mlp.*`],
];

const fromTimm = toOurs(timm);
const fromHuggingFace = toOurs([...huggingFaceModules, ...huggingFace]);

/**
 * Our name of each weight; one that no rule knows keeps its own. timm's layers are told from the
 * official ones by where the first downsampling is.
 */
export function swinNames(names: readonly string[]): ReadonlyMap<string, string> {
  const isOfficial = names.some((name) => name.startsWith("layers.0.downsample."));
  return new Map(names.map((name) => {
    const ours = fromHuggingFace(name.replace(/^swin\./, ""));
    return [name, isOfficial ? ours.replace(/^head\.fc\./, "head.") : fromTimmOrOurs(name, ours)];
  }));
}

function fromTimmOrOurs(name: string, ours: string): string {
  return name === ours ? fromTimm(name) : ours;
}

const [toTimm, toHuggingFace] = [timm, huggingFace].map(toTheirs);

/** The form in other code's files. */
export function swinForm(
  format: WeightsFormat,
  config: SwinConfig,
  head: boolean,
): WeightsForm | undefined {
  if (config.normBeforeMlp === "bn" && format !== "official") return undefined;
  switch (format) {
    case "official":
      return { ...ownForm, buffers: () => buffersOf(config, { masks: true }) };
    case "esvit":
      return { ...ownForm, buffers: () => buffersOf(config, { masks: false }) };
    case "timm":
      return { namesOf: (ours) => toTimm!(ours)! };
    case "huggingface":
      return { namesOf: withPrefix("swin.", toHuggingFace!, head) };
  }
}

/** What the official code computes when it is built, and saves with the weights. */
function buffersOf(
  config: SwinConfig,
  { masks }: { readonly masks: boolean },
): ReadonlyMap<string, WeightsBuffer> {
  const buffers = new Map<string, WeightsBuffer>();
  config.depths.forEach((depth, layer) => {
    const { side, window, shift } = windowOf(config, layer);
    const N = window ** 2;
    const index = {
      shape: [N, N],
      values: Float32Array.from(offsetsWithin(window)),
      integers: true,
    };
    const plan = windowPlan(side, side, window, shift);
    const mask = {
      shape: [plan.windows, N, N],
      values: rollMaskValues(plan),
    };
    for (let i = 0; i < depth; i++) {
      const name = `layers.${layer}.blocks.${i}`;
      if (masks && shift > 0 && i % 2 === 1) buffers.set(`${name}.attn_mask`, mask);
      buffers.set(`${name}.attn.relative_position_index`, index);
    }
  });
  return buffers;
}
