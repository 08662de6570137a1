/** Steps of DINO that read nothing, as on a GPU: for what runs them on another backend. */
import type { ModelConfig } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { createDino } from "lib/ssl/dino/dino.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { DinoHeadConfig } from "lib/ssl/distillation/head.ts";
import { issueStep, type Training } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import type { StepGuard } from "lib/train/step_guard.ts";

/** With constant schedules. */
const recipe: Omit<DinoRecipe, "model" | "head"> = {
  crops: dinoCrops,
  batchSize: 256,
  epochs: 1,
  lr: 1e-3,
  minLr: 1e-3,
  warmupShare: 0,
  weightDecay: 0.04,
  weightDecayEnd: 0.04,
  clipNorm: 3,
  freezeLastLayerShare: 0,
  studentTemp: 0.1,
  teacherTemp: 0.04,
  warmupTeacherTemp: 0.04,
  warmupTeacherTempShare: 0,
  teacherMomentum: 0.9,
  centerMomentum: 0.9,
};

/** DINO before its first step. */
export function newDino(model: ModelConfig, head: DinoHeadConfig): Training {
  return { method: createDino({ ...recipe, model, head }, createRng(1)), optimizer: new Map() };
}

/** Takes the first step of a run, again if it is called again; nobody reads its numbers. */
export function issueDinoStep(training: Training, views: Views, guard: StepGuard): void {
  const now = { step: 0, stepsPerEpoch: 1, totalSteps: 1, rng: createRng(2) };
  issueStep(training, views, recipe, now, guard).values.dispose();
}
