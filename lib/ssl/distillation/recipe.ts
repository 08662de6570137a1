/** The settings and schedules that DINO and EsViT share. */
import { cosineSchedule, linearWarmup } from "lib/train/schedules.ts";
import type { Moment } from "lib/ssl/method/method.ts";
import type { CommonRecipe } from "lib/ssl/method/recipe.ts";
import type { DinoHeadConfig } from "./head.ts";

/**
 * A recipe for a student that learns a teacher's distributions over prototypes. Names and meanings
 * are those of the reference's arguments (dino, main_dino.py). Fields that end in `Share` are
 * fractions of the run.
 */
export interface DistillationRecipe extends CommonRecipe {
  /** The projection head, from features to prototypes. */
  readonly head: DinoHeadConfig;
  /**
   * Fraction of the run in which the prototypes keep their first values; in the reference, 1 of 100
   * epochs.
   */
  readonly freezeLastLayerShare: number;
  /** Temperature that the student's logits are divided by. */
  readonly studentTemp: number;
  /** Temperature that the teacher's logits are divided by, after its warm-up. */
  readonly teacherTemp: number;
  /** Temperature of the teacher in the first epoch. */
  readonly warmupTeacherTemp: number;
  /** Fraction of the run in which the teacher's temperature rises to `teacherTemp`. */
  readonly warmupTeacherTempShare: number;
  /** Momentum of the teacher at the start; it rises to 1 along a cosine. */
  readonly teacherMomentum: number;
  /** Momentum of a centre: the fraction of its old value that a step keeps. */
  readonly centerMomentum: number;
}

/** The values of the schedules of {@linkcode DistillationRecipe} at a step. */
export interface DistillationValues {
  readonly teacherMomentum: number;
  readonly teacherTemp: number;
  /**
   * Whether the prototypes are frozen, as in the first epochs; their gradient is not computed then.
   */
  readonly freezeLastLayer: boolean;
}

/** The values of the schedules before step `step` (0 … totalSteps − 1). */
export function distillationValues(
  recipe: DistillationRecipe,
  { step, stepsPerEpoch, totalSteps }: Pick<Moment, "step" | "stepsPerEpoch" | "totalSteps">,
): DistillationValues {
  return {
    teacherMomentum: cosineSchedule(step, { base: recipe.teacherMomentum, final: 1, totalSteps }),
    teacherTemp: linearWarmup(Math.floor(step / stepsPerEpoch), {
      start: recipe.warmupTeacherTemp,
      end: recipe.teacherTemp,
      warmupEpochs: Math.round(recipe.warmupTeacherTempShare * recipe.epochs),
    }),
    // 1e-6 is for rounding: 0.07 · 100 is 7.000000000000001.
    freezeLastLayer: step < recipe.freezeLastLayerShare * totalSteps - 1e-6,
  };
}
