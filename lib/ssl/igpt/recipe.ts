/** iGPT's recipe as data: all settings of a run, except its images. */
import type { IGptConfig } from "lib/models/igpt/igpt_configs.ts";
import type { CommonRecipe } from "lib/ssl/method/recipe.ts";

/** iGPT's recipe. Fields that end in `Share` are fractions. */
export interface IGptRecipe extends CommonRecipe {
  /** Name of the method. */
  readonly method: "igpt";
  /** The network; `masked` there chooses between the two objectives. */
  readonly model: IGptConfig;
  /** The objective. */
  readonly head: IGptHeadConfig;
}

/** The settings of iGPT's objective. */
export interface IGptHeadConfig {
  /**
   * Fraction of the positions that a masked network has to predict; 0.15 in the official code. A
   * network without a mask predicts all positions.
   */
  readonly maskShare: number;
}

/**
 * Refuses a recipe that iGPT cannot follow.
 *
 * @throws {RangeError} If there are local crops, or crops of another size than the network's.
 */
export function checkIGpt({ crops, model }: IGptRecipe): void {
  if (crops.localCrops !== 0) {
    throw new RangeError(
      `Cannot train by iGPT with recipe.crops.localCrops ${crops.localCrops}: need 0, since it ` +
        "reads one view of each image",
    );
  }
  if (crops.globalSize !== model.imageSize) {
    throw new RangeError(
      `Cannot train by iGPT with images of ${crops.globalSize} pixels a side: need ` +
        `${model.imageSize}, as recipe.model.imageSize says`,
    );
  }
}
