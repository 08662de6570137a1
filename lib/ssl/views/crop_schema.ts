/** The allowed values of a crop recipe. */
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

const area = shareAboveZero; // fraction of the image; a crop of area 0 has no pixels
const side = whole(1, 2 ** 16); // pixels

/** Mean and standard deviation by which pixels are normalised. */
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

/** The crop recipe of a method that compares two views and has no local crops. */
export const twoViewSchema = schemaOf<CropRecipe>()(record({ ...fields, localCrops: whole(0, 0) }));
