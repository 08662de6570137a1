/** What a recipe of crops may be. */
import {
  between,
  finite,
  notNegative,
  positive,
  range,
  record,
  schemaOf,
  share,
  shareAboveZero,
  three,
  whole,
} from "lib/schema/fields.ts";
import type { CropRecipe } from "./crop_recipe.ts";

const area = shareAboveZero; // of the image: nothing cannot be cropped
const side = whole(1, 2 ** 16); // pixels

/** What pixels are normalised by. */
export const channelStats = record({ mean: three(finite), std: three(positive) });

const fields = {
  globalSize: side,
  globalScale: range(area),
  localCrops: whole(0, 1000),
  localSize: side,
  localScale: range(area),
  flip: share,
  jitter: record({
    brightness: notNegative,
    contrast: notNegative,
    saturation: notNegative,
    hue: between(0, 0.5),
    probability: share,
  }),
  grayscale: share,
  blur: three(share),
  blurRadius: range(notNegative),
  solarize: share,
  stats: channelStats,
};

export const cropSchema = schemaOf<CropRecipe>()(record(fields));

/** The crops of a method that compares two views: none are local. */
export const twoViewSchema = schemaOf<CropRecipe>()(record({ ...fields, localCrops: whole(0, 0) }));
