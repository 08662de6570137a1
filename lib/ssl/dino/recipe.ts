/** DINO's recipe as data: everything a run needs to know but its images. */
import { cosineSchedule, linearWarmup } from "lib/train/schedules.ts";
import type { Moment } from "lib/ssl/method/method.ts";
import type { CommonRecipe } from "lib/ssl/method/recipe.ts";
import type { DinoHeadConfig } from "./head.ts";

/**
 * Names and meanings of the reference's arguments (dino, main_dino.py). Shares are fractions of the
 * whole run.
 */
export interface DinoRecipe extends CommonRecipe {
  /** Absent, so that runs from before there was a choice keep their names. */
  readonly method?: undefined;
  /** The projection head, from features to prototypes. */
  readonly head: DinoHeadConfig;
  /** How long the prototypes keep their first values; the reference: 1 of 100 epochs. */
  readonly freezeLastLayerShare: number;
  /** Temperature that the student's logits are divided by. */
  readonly studentTemp: number;
  /** Temperature that the teacher's logits are divided by, after its warm-up. */
  readonly teacherTemp: number;
  /** Temperature of the teacher in the first epoch. */
  readonly warmupTeacherTemp: number;
  /** Part of the run in which it rises to `teacherTemp`. */
  readonly warmupTeacherTempShare: number;
  /** At the start; it rises to 1 along a cosine. */
  readonly teacherMomentum: number;
  /** Share of the centre of the teacher's logits that a step keeps. */
  readonly centerMomentum: number;
  /**
   * Whether stochastic depth, at the student's rate, is active in the teacher too: so it is in the
   * public BC-SSL code, for its own networks. By default, no, as in the reference.
   */
  readonly teacherDropPath?: boolean;
}

/** What DINO's own schedules say of a step. */
export interface DinoValues {
  readonly teacherMomentum: number;
  readonly teacherTemp: number;
  /**
   * True in the first epochs: the prototypes keep their values, and no time goes into their
   * gradient.
   */
  readonly freezeLastLayer: boolean;
}

/** The values of DINO's schedules before step `step` (0 … totalSteps − 1). */
export function dinoValues(
  recipe: DinoRecipe,
  { step, stepsPerEpoch, totalSteps }: Pick<Moment, "step" | "stepsPerEpoch" | "totalSteps">,
): DinoValues {
  return {
    teacherMomentum: cosineSchedule(step, { base: recipe.teacherMomentum, final: 1, totalSteps }),
    teacherTemp: linearWarmup(Math.floor(step / stepsPerEpoch), {
      start: recipe.warmupTeacherTemp,
      end: recipe.teacherTemp,
      warmupEpochs: Math.round(recipe.warmupTeacherTempShare * recipe.epochs),
    }),
    // 0.07 of 100 steps are 7.000000000000001 of them
    freezeLastLayer: step < recipe.freezeLastLayerShare * totalSteps - 1e-6,
  };
}
