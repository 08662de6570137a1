/** The allowed values of SimCLR's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { modelSchema } from "lib/models/model_schema.ts";
import { notNegative, oneOf, positive, record, schemaOf, whole } from "lib/schema/fields.ts";
import { twoViewSchema } from "lib/ssl/views/crop_schema.ts";
import {
  clipNorm,
  learningRate,
  optimizer,
  shareOfRun,
  weightDecay,
} from "lib/train/recipe_fields.ts";
import type { SimclrRecipe } from "./recipe.ts";

export const simclrRecipeSchema = schemaOf<Omit<SimclrRecipe, "batchSize" | "epochs">>()(record({
  method: v.literal("simclr"),
  model: modelSchema,
  head: record({
    layers: whole(1, 100),
    keptLayers: v.optional(whole(0, 99)),
    outDim: whole(1, 2 ** 16),
  }),
  crops: twoViewSchema,
  optimizer: v.optional(optimizer),
  accumulate: v.optional(whole(1, 2 ** 16)), // checkSimclr says why it must be 1
  lr: learningRate,
  minLr: notNegative,
  warmupShare: shareOfRun,
  weightDecay,
  weightDecayEnd: weightDecay,
  clipNorm,
  temperature: positive,
  precision: v.optional(oneOf("bf16")),
  gradients: v.optional(oneOf("bf16")),
}));
