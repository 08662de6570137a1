/** Draws the random parameters of the views of an image. Nothing here touches a pixel. */
import { type Box, type JitterParams, sampleColorJitter, sampleCropBox } from "lib/augment/mod.ts";
import type { Rng } from "lib/rng.ts";
import type { CropRecipe } from "./crop_recipe.ts";

/** The random parameters of one view. */
export interface ViewParams {
  readonly box: Box;
  readonly flip: boolean;
  /** Changes of colour; `undefined` for none. */
  readonly jitter: JitterParams | undefined;
  readonly grayscale: boolean;
  /** Standard deviation of the blur in pixels; `undefined` for none. */
  readonly blurRadius: number | undefined;
  readonly solarize: boolean;
}

/**
 * Draws the parameters of one view.
 *
 * @param view Number of the view: 0 and 1 are global crops, the others local ones.
 */
export function sampleView(
  rng: Rng,
  recipe: CropRecipe,
  view: number,
  { width, height }: { readonly width: number; readonly height: number },
): ViewParams {
  const scale = view < 2 ? recipe.globalScale : recipe.localScale;
  return {
    box: sampleCropBox(rng, width, height, { scale }),
    flip: rng.bernoulli(recipe.flip),
    jitter: rng.bernoulli(recipe.jitter.probability)
      ? sampleColorJitter(rng, recipe.jitter)
      : undefined,
    grayscale: rng.bernoulli(recipe.grayscale),
    blurRadius: rng.bernoulli(recipe.blur[Math.min(view, 2)]!)
      ? rng.uniform(...recipe.blurRadius)
      : undefined,
    solarize: view === 1 && rng.bernoulli(recipe.solarize),
  };
}

/**
 * Draws the parameters of all views of an image.
 *
 * @param rng The image's random stream. View `v` uses its fork `v`, so that views do not depend on
 *   each other.
 */
export function sampleViews(
  rng: Rng,
  recipe: CropRecipe,
  size: { readonly width: number; readonly height: number },
): ViewParams[] {
  const length = 2 + recipe.localCrops;
  return Array.from({ length }, (_, view) => sampleView(rng.fork(view), recipe, view, size));
}
