/** The allowed values of MoBY's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { modelSchema } from "lib/models/model_schema.ts";
import { notNegative, oneOf, positive, record, schemaOf, share, whole } from "lib/schema/fields.ts";
import { twoViewSchema } from "lib/ssl/views/crop_schema.ts";
import {
  clipNorm,
  learningRate,
  optimizer,
  shareOfRun,
  weightDecay,
} from "lib/train/recipe_fields.ts";
import type { MobyRecipe } from "./recipe.ts";

const width = whole(1, 2 ** 16);

export const mobyRecipeSchema = schemaOf<Omit<MobyRecipe, "batchSize" | "epochs">>()(record({
  method: v.literal("moby"),
  model: modelSchema,
  head: record({ hiddenDim: width, outDim: width }),
  crops: twoViewSchema,
  optimizer: v.optional(optimizer),
  accumulate: v.optional(whole(1, 2 ** 16)),
  lr: learningRate,
  minLr: notNegative,
  warmupLr: notNegative,
  warmupShare: shareOfRun,
  weightDecay,
  weightDecayEnd: weightDecay,
  clipNorm,
  temperature: positive,
  keyMomentum: share,
  queueLength: whole(1, 2 ** 24), // checkMoby says why it must be a multiple of the batch size
  precision: v.optional(oneOf("bf16")),
  gradients: v.optional(oneOf("bf16")),
}));
