/** The allowed values of iGPT's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { iGptSchema } from "lib/models/igpt/igpt_schema.ts";
import { notNegative, oneOf, record, schemaOf, shareBelowOne, whole } from "lib/schema/fields.ts";
import { twoViewSchema } from "lib/ssl/views/crop_schema.ts";
import {
  clipNorm,
  learningRate,
  optimizer,
  shareOfRun,
  weightDecay,
} from "lib/train/recipe_fields.ts";
import type { IGptRecipe } from "./recipe.ts";

export const iGptRecipeSchema = schemaOf<Omit<IGptRecipe, "batchSize" | "epochs">>()(record({
  method: v.literal("igpt"),
  model: iGptSchema,
  head: record({ maskShare: shareBelowOne }),
  crops: twoViewSchema,
  optimizer: v.optional(optimizer),
  accumulate: v.optional(whole(1, 2 ** 16)),
  lr: learningRate,
  minLr: notNegative,
  warmupShare: shareOfRun,
  weightDecay,
  weightDecayEnd: weightDecay,
  clipNorm,
  precision: v.optional(oneOf("bf16")),
  gradients: v.optional(oneOf("bf16")),
}));
