/** The allowed values of MoCo v3's recipe, without the fields that the scale sets. */
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
import type { MocoV3Recipe } from "./recipe.ts";

const width = whole(1, 2 ** 16);

export const mocoV3RecipeSchema = schemaOf<Omit<MocoV3Recipe, "batchSize" | "epochs">>()(record({
  method: v.literal("mocov3"),
  model: modelSchema,
  head: record({ form: oneOf("resnet", "vit"), hiddenDim: width, outDim: width }),
  crops: twoViewSchema,
  optimizer: v.optional(optimizer),
  accumulate: v.optional(whole(1, 2 ** 16)), // checkMocoV3 says why it must be 1
  lr: learningRate,
  minLr: notNegative,
  warmupShare: shareOfRun,
  weightDecay,
  weightDecayEnd: weightDecay,
  clipNorm,
  temperature: positive,
  encoderMomentum: share,
  precision: v.optional(oneOf("bf16")),
  gradients: v.optional(oneOf("bf16")),
}));
