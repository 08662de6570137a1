/** ViT's weights under the names of other libraries; DINO's and timm's are ours. */
import { ownForm, type WeightsForm, type WeightsFormat } from "lib/models/parts/backbone.ts";
import { type NamePair, toOurs, toTheirs, withPrefix } from "lib/models/parts/renaming.ts";
import type { ViTConfig } from "lib/models/vit/vit_configs.ts";

const layer = "encoder.layer.#";

/** The files that `save_pretrained` of Hugging Face's `ViTModel` writes. */
const huggingFace: readonly NamePair[] = [
  ["cls_token", "embeddings.cls_token"],
  ["pos_embed", "embeddings.position_embeddings"],
  ["patch_embed.proj.*", "embeddings.patch_embeddings.projection.*"],
  [
    "blocks.#.attn.qkv.*",
    ["query", "key", "value"].map((name) => `${layer}.attention.attention.${name}.*`),
  ],
  ["blocks.#.attn.proj.*", `${layer}.attention.output.dense.*`],
  ["blocks.#.norm1.*", `${layer}.layernorm_before.*`],
  ["blocks.#.norm2.*", `${layer}.layernorm_after.*`],
  ["blocks.#.mlp.fc1.*", `${layer}.intermediate.dense.*`],
  ["blocks.#.mlp.fc2.*", `${layer}.output.dense.*`],
  ["norm.*", "layernorm.*"],
  ["head.*", "classifier.*"],
];

/** The modules since version 5 of transformers, as `state_dict()` names them. */
const huggingFaceModules: readonly NamePair[] = [
  ["blocks.#.attn.qkv.*", ["q", "k", "v"].map((name) => `layers.#.attention.${name}_proj.*`)],
  ["blocks.#.attn.proj.*", "layers.#.attention.o_proj.*"],
  ["blocks.#.norm1.*", "layers.#.layernorm_before.*"],
  ["blocks.#.norm2.*", "layers.#.layernorm_after.*"],
  ["blocks.#.mlp.*", "layers.#.mlp.*"],
];

const fromHuggingFace = toOurs([...huggingFace, ...huggingFaceModules]);

/**
 * Our name of each weight; one that no rule knows keeps its own. Hugging Face's pooler, which is
 * not built here, has an empty name.
 *
 * Differs: transformers' LayerNorms add 1e-12 to the variance by default, DINO's and these 1e-6.
 */
export function vitNames(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => {
    const inside = name.replace(/^vit\./, "");
    return [name, inside.startsWith("pooler.dense.") ? "" : fromHuggingFace(inside)];
  }));
}

const toHuggingFace = toTheirs(huggingFace);

/** The form in other code's files. One with BatchNorms is only ours. */
export function vitForm(
  format: WeightsFormat,
  { norm, normBeforeMlp }: ViTConfig,
  head: boolean,
): WeightsForm | undefined {
  if (format === "official") return ownForm;
  if (norm !== "layer" || normBeforeMlp === "bn") return undefined;
  if (format === "timm") return ownForm;
  return format === "huggingface"
    ? { namesOf: withPrefix("vit.", toHuggingFace, head) }
    : undefined;
}
