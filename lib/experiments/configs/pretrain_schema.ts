/** The allowed values of a pre-training's config. */
import * as v from "valibot";
import type { DataConfig, PretrainConfig } from "./config_types.ts";
import { commonSizes, experimentName, scalesOf } from "./experiment_schema.ts";
import { byKey, flag, oneOf, path, record, schemaOf, share, whole } from "lib/schema/fields.ts";
import { byolRecipeSchema } from "lib/ssl/byol/recipe_schema.ts";
import { deepClusterRecipeSchema } from "lib/ssl/deepcluster/recipe_schema.ts";
import { dinoRecipeSchema } from "lib/ssl/dino/recipe_schema.ts";
import { esvitRecipeSchema } from "lib/ssl/esvit/recipe_schema.ts";
import { mobyRecipeSchema } from "lib/ssl/moby/recipe_schema.ts";
import { mocoV3RecipeSchema } from "lib/ssl/mocov3/recipe_schema.ts";
import { iGptRecipeSchema } from "lib/ssl/igpt/recipe_schema.ts";
import { simclrRecipeSchema } from "lib/ssl/simclr/recipe_schema.ts";
import { swavRecipeSchema } from "lib/ssl/swav/recipe_schema.ts";

const folder = v.optional(path);
const maxBadFraction = v.optional(share);

export const dataSchema = schemaOf<DataConfig>()(byKey("kind", {
  "fashion-mnist": record({ kind: v.literal("fashion-mnist"), placed: flag }),
  emoji: record({
    kind: v.literal("emoji"),
    labels: oneOf("subgroup", "identity"),
    background: v.optional(oneOf("textured")),
  }),
  scenes: record({ kind: v.literal("scenes"), labels: oneOf("subgroup", "identity") }),
  folder: record({ kind: v.literal("folder"), train: path, test: path, maxBadFraction }),
  imagenet: record({
    kind: v.literal("imagenet"),
    numClasses: v.optional(whole(2, 1_000_000)),
    folder,
    maxBadFraction,
  }),
  cifar10: record({ kind: v.literal("cifar10"), folder }),
  stl10: record({ kind: v.literal("stl10"), folder }),
  imagenette: record({ kind: v.literal("imagenette"), folder }),
  cifar100: record({ kind: v.literal("cifar100"), labels: oneOf("fine", "coarse"), folder }),
}));

/**
 * The schema of each method's recipe. A recipe without `method` is DINO's, since older ones do not
 * have that field.
 */
const recipes = {
  dino: dinoRecipeSchema,
  byol: byolRecipeSchema,
  simclr: simclrRecipeSchema,
  swav: swavRecipeSchema,
  deepcluster_v2: deepClusterRecipeSchema,
  esvit: esvitRecipeSchema,
  mocov3: mocoV3RecipeSchema,
  moby: mobyRecipeSchema,
  igpt: iGptRecipeSchema,
};

export const pretrainSchema = schemaOf<PretrainConfig>()(record({
  name: experimentName,
  data: dataSchema,
  recipe: byKey("method", recipes, "dino"),
  scales: scalesOf(record({ ...commonSizes, testCount: whole(1) })),
}));
