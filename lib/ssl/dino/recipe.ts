/** DINO's recipe as data: everything a run needs to know but its images. */
import type { ModelConfig } from "lib/models/mod.ts";
import type { Precision } from "lib/nn/pointwise.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import { cosineSchedule, linearWarmup } from "lib/train/schedules.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import type { DinoHeadConfig } from "./head.ts";
import type { StepValues } from "./step.ts";
import { microBatches } from "lib/ssl/views/views.ts";

/** Names and meanings of the reference's arguments (dino, main_dino.py). Shares are fractions of the whole run. */
export interface DinoRecipe {
  readonly model: ModelConfig;
  readonly head: DinoHeadConfig;
  readonly crops: CropRecipe;
  /** By default, AdamW. The reference trains its ResNet-50 by SGD. */
  readonly optimizer?: OptimizerName;
  /** Images a step; every batch of a run is full. */
  readonly batchSize: number;
  /**
   * Micro-batches that each batch goes through the networks in, for the memory of one: the step stays that of the whole
   * batch, but for what BatchNorm sees (`batchGradients` in gradients.ts). By default, 1.
   */
  readonly accumulate?: number;
  readonly epochs: number;
  /** Peak, for 256 images; scaled linearly with the batch. */
  readonly lr: number;
  readonly minLr: number;
  /** The reference: 10 of 100 epochs. */
  readonly warmupShare: number;
  readonly weightDecay: number;
  readonly weightDecayEnd: number;
  /** L2 norm above which a gradient tensor is scaled down; 0 leaves all as they are. */
  readonly clipNorm: number;
  /** How long the prototypes keep their first values; the reference: 1 of 100 epochs. */
  readonly freezeLastLayerShare: number;
  readonly studentTemp: number;
  readonly teacherTemp: number;
  readonly warmupTeacherTemp: number;
  readonly warmupTeacherTempShare: number;
  /** At the start; it rises to 1 along a cosine. */
  readonly teacherMomentum: number;
  readonly centerMomentum: number;
  /**
   * Whether stochastic depth, at the student's rate, is active in the teacher too: so it is in the public BC-SSL code, for its own
   * networks. By default, no, as in the reference.
   */
  readonly teacherDropPath?: boolean;
  /**
   * "bf16" rounds the factors of the products in the blocks of ConvNeXt, BC-SSL and SLaK, forward and backward, where the CPU
   * multiplies bf16 (AVX512-BF16): faster, and another run. Evaluation stays in fp32. By default, training too.
   */
  readonly precision?: Precision;
}

/** The length of a run. The last batch of an epoch is dropped if it is not full, as in the reference. */
export interface RunLength {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/**
 * How many steps a recipe takes on so many images.
 *
 * @throws {RangeError} If there are fewer images than one batch, fewer in a batch than micro-batches, or no epoch to run.
 */
export function runLength(
  { batchSize, epochs, accumulate = 1 }: DinoRecipe,
  imageCount: number,
): RunLength {
  const stepsPerEpoch = Math.floor(imageCount / batchSize);
  if (stepsPerEpoch < 1) {
    throw new RangeError(
      `Cannot fill a batch of ${batchSize} from ${imageCount} images: lower batchSize or add images`,
    );
  }
  if (!(Number.isInteger(epochs) && epochs > 0)) {
    throw new RangeError(`Cannot train for ${epochs} epochs: need a positive integer`);
  }
  microBatches(batchSize, accumulate); // throws now rather than at the first step
  return { stepsPerEpoch, totalSteps: stepsPerEpoch * epochs };
}

/** The values of all schedules before step `step` (0 … totalSteps − 1). */
export function stepValues(recipe: DinoRecipe, step: number, length: RunLength): StepValues {
  const { stepsPerEpoch, totalSteps } = length;
  const cosine = (base: number, final: number, warmupSteps = 0) =>
    cosineSchedule(step, { base, final, totalSteps, warmupSteps });
  const { lr, minLr, batchSize, warmupShare, warmupTeacherTempShare } = recipe;
  return {
    lr: cosine(lr * batchSize / 256, minLr, Math.round(warmupShare * totalSteps)),
    weightDecay: cosine(recipe.weightDecay, recipe.weightDecayEnd),
    teacherMomentum: cosine(recipe.teacherMomentum, 1),
    teacherTemp: linearWarmup(Math.floor(step / stepsPerEpoch), {
      start: recipe.warmupTeacherTemp,
      end: recipe.teacherTemp,
      warmupEpochs: Math.round(warmupTeacherTempShare * recipe.epochs),
    }),
    studentTemp: recipe.studentTemp,
    centerMomentum: recipe.centerMomentum,
    clipNorm: recipe.clipNorm,
    // 0.07 of 100 steps are 7.000000000000001 of them
    freezeLastLayer: step < recipe.freezeLastLayerShare * totalSteps - 1e-6,
    optimizer: recipe.optimizer,
    teacherDropPath: recipe.teacherDropPath,
    accumulate: recipe.accumulate,
    precision: recipe.precision,
  };
}
