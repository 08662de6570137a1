/** The allowed values of DeepCluster-v2's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { modelSchema } from "lib/models/model_schema.ts";
import { list, notNegative, oneOf, positive, record, schemaOf, whole } from "lib/schema/fields.ts";
import { cropSchema } from "lib/ssl/views/crop_schema.ts";
import {
  clipNorm,
  learningRate,
  optimizer,
  shareOfRun,
  weightDecay,
} from "lib/train/recipe_fields.ts";
import type { DeepClusterRecipe } from "./recipe.ts";

export const deepClusterRecipeSchema = schemaOf<Omit<DeepClusterRecipe, "batchSize" | "epochs">>()(
  record({
    method: v.literal("deepcluster_v2"),
    model: modelSchema,
    head: record({
      hiddenDim: whole(1, 2 ** 16),
      outDim: whole(1, 2 ** 16),
      prototypes: list(whole(2, 2 ** 20)),
    }),
    crops: cropSchema,
    optimizer: v.optional(optimizer),
    accumulate: v.optional(whole(1, 2 ** 16)),
    lr: learningRate,
    startLr: notNegative,
    minLr: notNegative,
    warmupShare: shareOfRun,
    weightDecay,
    weightDecayEnd: weightDecay,
    clipNorm,
    temperature: positive,
    precision: v.optional(oneOf("bf16")),
    gradients: v.optional(oneOf("bf16")),
  }),
);
