/** The allowed values of BYOL's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { modelSchema } from "lib/models/model_schema.ts";
import { flag, notNegative, oneOf, record, schemaOf, share, whole } from "lib/schema/fields.ts";
import { twoViewSchema } from "lib/ssl/views/crop_schema.ts";
import {
  clipNorm,
  learningRate,
  optimizer,
  shareOfRun,
  weightDecay,
} from "lib/train/recipe_fields.ts";
import type { ByolRecipe } from "./recipe.ts";

const width = whole(1, 2 ** 16);

export const byolRecipeSchema = schemaOf<Omit<ByolRecipe, "batchSize" | "epochs">>()(record({
  method: v.literal("byol"),
  model: modelSchema,
  head: record({ hiddenDim: width, outDim: width, batchNorm: v.optional(flag) }),
  crops: twoViewSchema,
  optimizer: v.optional(optimizer),
  accumulate: v.optional(whole(1, 2 ** 16)),
  lr: learningRate,
  minLr: notNegative,
  warmupShare: shareOfRun,
  weightDecay,
  weightDecayEnd: weightDecay,
  clipNorm,
  targetMomentum: share,
  precision: v.optional(oneOf("bf16")),
  gradients: v.optional(oneOf("bf16")),
}));
