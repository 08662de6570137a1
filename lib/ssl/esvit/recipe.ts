/** EsViT's recipe as data: all settings of a run, except its images. */
import type { DistillationRecipe } from "lib/ssl/distillation/recipe.ts";

/**
 * EsViT's recipe (esvit, main_esvit.py). All settings are DINO's, and the same for both heads:
 * `head` gives the sizes of either, and the two losses have equal weights.
 */
export interface EsvitRecipe extends DistillationRecipe {
  /** Name of the method. */
  readonly method: "esvit";
}
