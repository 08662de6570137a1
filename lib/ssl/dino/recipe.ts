/** DINO's recipe as data: all settings of a run, except its images. */
import type { DistillationRecipe } from "lib/ssl/distillation/recipe.ts";

/** DINO's recipe. */
export interface DinoRecipe extends DistillationRecipe {
  /**
   * Always absent: the id of a run is a hash of its recipe, and runs from before there were other
   * methods keep their ids.
   */
  readonly method?: undefined;
  /**
   * Whether the teacher has stochastic depth too, at the student's rate, as the public BC-SSL code
   * has it for its own networks. By default no, as in the reference.
   */
  readonly teacherDropPath?: boolean;
}
