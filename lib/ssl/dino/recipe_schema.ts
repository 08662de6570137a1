/** The allowed values of DINO's recipe, without the fields that the scale sets. */
import * as v from "valibot";
import { flag, record, schemaOf } from "lib/schema/fields.ts";
import { distillationFields } from "lib/ssl/distillation/recipe_fields.ts";
import type { DinoRecipe } from "./recipe.ts";

export const dinoRecipeSchema = schemaOf<Omit<DinoRecipe, "batchSize" | "epochs">>()(record({
  method: v.optional(v.undefined("no value: DINO's recipe leaves it out")),
  ...distillationFields,
  teacherDropPath: v.optional(flag),
}));
