/**
 * Schema of a detector's recipe, without the values that the scale sets. Sides are fractions of the
 * scale's `imageSize`.
 */
import * as v from "valibot";
import type { DetectorRecipe } from "./detector_recipe.ts";
import {
  finite,
  list,
  positive,
  range,
  record,
  schemaOf,
  share,
  shareAboveZero,
  three,
  whole,
} from "lib/schema/fields.ts";
import { clipNorm, learningRate, optimizer, weightDecay } from "lib/train/recipe_fields.ts";

export const detectorRecipeSchema = schemaOf<Omit<DetectorRecipe, "batchSize" | "epochs">>()(
  record({
    augment: record({
      flip: share,
      shortSides: list(positive),
      longSide: positive,
      crop: v.nullable(
        record({ probability: share, shortSides: list(positive), sides: range(positive) }),
      ),
    }),
    stats: record({ mean: three(finite), std: three(positive) }),
    optimizer,
    lr: learningRate,
    weightDecay,
    layerDecay: shareAboveZero,
    clipNorm,
    warmupSteps: whole(0),
    drops: v.array(share, "a list of shares of the run"),
  }),
);
