/** The allowed values of SwAV's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { modelSchema } from "lib/models/model_schema.ts";
import { notNegative, oneOf, positive, record, schemaOf, whole } from "lib/schema/fields.ts";
import { cropSchema } from "lib/ssl/views/crop_schema.ts";
import {
  clipNorm,
  learningRate,
  optimizer,
  shareOfRun,
  weightDecay,
} from "lib/train/recipe_fields.ts";
import type { SwavRecipe } from "./recipe.ts";

export const swavRecipeSchema = schemaOf<Omit<SwavRecipe, "batchSize" | "epochs">>()(record({
  method: v.literal("swav"),
  model: modelSchema,
  head: record({
    hiddenDim: whole(1, 2 ** 16),
    outDim: whole(1, 2 ** 16),
    prototypes: whole(2, 2 ** 20),
  }),
  crops: cropSchema,
  optimizer: v.optional(optimizer),
  accumulate: v.optional(whole(1, 2 ** 16)), // checkSwav says why it must be 1
  lr: learningRate,
  startLr: notNegative,
  minLr: notNegative,
  warmupShare: shareOfRun,
  weightDecay,
  weightDecayEnd: weightDecay,
  clipNorm,
  temperature: positive,
  epsilon: positive, // checkSwav has the smallest value
  sinkhornIterations: whole(1, 1000),
  queueLength: whole(0, 2 ** 24),
  queueStartShare: shareOfRun,
  freezePrototypesShare: shareOfRun,
  precision: v.optional(oneOf("bf16")),
  gradients: v.optional(oneOf("bf16")),
}));
