/** The allowed values of EsViT's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { record, schemaOf } from "lib/schema/fields.ts";
import { distillationFields } from "lib/ssl/distillation/recipe_fields.ts";
import type { EsvitRecipe } from "./recipe.ts";

export const esvitRecipeSchema = schemaOf<Omit<EsvitRecipe, "batchSize" | "epochs">>()(record({
  method: v.literal("esvit"),
  ...distillationFields,
}));
