/** The networks of EsViT under the names that they have in the official code's checkpoints. */
import type { WeightsForm } from "lib/models/mod.ts";
import type { WeightsTarget } from "lib/weights/weights.ts";
import type { EsvitNetwork } from "./networks.ts";

/**
 * A network with both heads, for `loadWeights` and `saveWeights`. A checkpoint of the official code
 * (`checkpoint.pth`) has one network under the key `student` and one under `teacher`: see `key` of
 * `loadWeights`.
 *
 * In the official code, the heads of a Swin and of a ViT are parts of the backbone
 * (`module.layers.…`, `module.head.…`, `module.head_dense.…`). All other networks are wrapped
 * (`module.backbone.…`, `module.head.…`), as here.
 */
export function officialEsvit({ model, params }: EsvitNetwork): WeightsTarget {
  const { backbone, ...heads } = params;
  const isTransformer = model.probe !== undefined; // a probe reads blocks of tokens
  return {
    params: isTransformer ? { ...backbone, ...heads } : params,
    weightsForm: (format) => format === "official" ? formOf(model, isTransformer) : undefined,
  };
}

function formOf(model: EsvitNetwork["model"], isTransformer: boolean): WeightsForm | undefined {
  if (!isTransformer) return { namesOf: (ours) => [ours] };
  return model.weightsForm("esvit") ?? model.weightsForm("official");
}
