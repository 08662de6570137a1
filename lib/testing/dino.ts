/** DINO for tests: single steps, with the values of all schedules given instead of a recipe. */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { createDinoNetworks, dino, type DinoNetworks } from "lib/ssl/dino/dino.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { DinoHeadConfig } from "lib/ssl/distillation/head.ts";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";
import type { DistillationValues } from "lib/ssl/distillation/recipe.ts";
import { loadTraining, saveTraining } from "lib/ssl/method/checkpoint.ts";
import { type BatchGradients, batchGradients } from "lib/ssl/method/gradients.ts";
import type { Moment } from "lib/ssl/method/method.ts";
import { type StepMetrics, type Training, trainStep } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { numberOf } from "lib/train/reading.ts";

/** Everything that a step changes. */
export interface DinoState extends DinoNetworks {
  readonly config: { readonly model: ModelConfig; readonly head: DinoHeadConfig };
  readonly optimizer: OptimizerState;
}

/**
 * The settings of a step: the values of the schedules, and those that are the same at all steps.
 */
export interface StepValues
  extends
    DistillationValues,
    Pick<DinoRecipe, "studentTemp" | "centerMomentum" | "clipNorm" | "lr" | "weightDecay">,
    Partial<Pick<DinoRecipe, "optimizer" | "accumulate" | "precision" | "teacherDropPath">> {}

export function createDinoState(model: ModelConfig, head: DinoHeadConfig, rng: Rng): DinoState {
  return { ...createDinoNetworks(model, head, rng), config: { model, head }, optimizer: new Map() };
}

/** Frees all tensors of a state. */
export function disposeDinoState(state: DinoState): void {
  trainingOf(state)[Symbol.dispose]();
}

/** A state in the form that the training loop needs. */
export function trainingOf(state: DinoState, recipe = recipeOf(state)): Training & Disposable {
  const method = dino(state, recipe);
  return {
    method,
    optimizer: state.optimizer,
    [Symbol.dispose]() {
      method[Symbol.dispose]();
      disposeOptimizer(state.optimizer);
    },
  };
}

const anyValues: StepValues = {
  lr: 0,
  weightDecay: 0,
  teacherMomentum: 1,
  teacherTemp: 1,
  studentTemp: 1,
  centerMomentum: 1,
  clipNorm: 0,
  freezeLastLayer: false,
};

/** The recipe of a run of one step whose schedules have these values. */
function recipeOf({ config }: DinoState, values: StepValues = anyValues): DinoRecipe {
  const { freezeLastLayer, teacherTemp, weightDecay, lr, ...others } = values;
  return {
    ...config,
    ...others,
    crops: dinoCrops,
    batchSize: 256,
    epochs: 1,
    lr,
    minLr: 0,
    warmupShare: 0,
    weightDecay,
    weightDecayEnd: 0,
    freezeLastLayerShare: freezeLastLayer ? 1 : 0,
    teacherTemp,
    warmupTeacherTemp: 0,
    warmupTeacherTempShare: 0,
  };
}

function momentOf({ precision }: StepValues, rng: Rng): Moment {
  return { step: 0, stepsPerEpoch: 1, totalSteps: 1, precision, rng };
}

export function dinoStep(
  state: DinoState,
  views: Views,
  values: StepValues,
  rng: Rng,
): StepMetrics & Readonly<Record<"kl" | "teacherEntropy" | "featureStd" | "centerNorm", number>> {
  const recipe = recipeOf(state, values);
  const training = trainingOf(state, recipe);
  const metrics = trainStep(training, views, recipe, momentOf(values, rng));
  return metrics as ReturnType<typeof dinoStep>;
}

/** Loss, gradients, means and rows of a batch, before any update. */
export function dinoGradients(
  state: DinoState,
  views: Views,
  values: StepValues,
  rng: Rng,
): Omit<BatchGradients, "loss"> & { readonly loss: number } {
  const { method } = trainingOf(state, recipeOf(state, values));
  const batch = batchGradients(method, views, values.accumulate ?? 1, momentOf(values, rng));
  const loss = numberOf(batch.loss);
  tf.dispose([...batch.loss.tensors]);
  return { ...batch, loss };
}

export function saveDinoState(
  path: string,
  state: DinoState,
  step: number,
): void | Promise<void> {
  return saveTraining(path, trainingOf(state), step);
}

export function loadDinoState(path: string, state: DinoState): number {
  return loadTraining(path, trainingOf(state));
}
