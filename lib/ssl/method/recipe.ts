/** The part of a recipe that all methods share. */
import type { ModelConfig } from "lib/models/mod.ts";
import type { Precision } from "lib/nn/linear.ts";
import { type RunLength, runLength } from "lib/train/loop.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import { cosineSchedule } from "lib/train/schedules.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { microBatches } from "lib/ssl/views/views.ts";
import type { Moment, OptimizerValues } from "./method.ts";

/** The settings of all methods. Fields that end in `Share` are fractions of the run. */
export interface CommonRecipe {
  /** The network to train, without head. */
  readonly model: ModelConfig;
  /** How the views of an image are made. */
  readonly crops: CropRecipe;
  /** Name of the optimiser. By default, AdamW. */
  readonly optimizer?: OptimizerName;
  /** Images in a step; every batch of a run is full. */
  readonly batchSize: number;
  /**
   * Number of micro-batches that a batch is split into (gradient accumulation), to need the memory
   * of one. The step is still that of the whole batch, except that BatchNorm sees one micro-batch
   * at a time (`batchGradients` in gradients.ts). By default, 1.
   */
  readonly accumulate?: number;
  /** Passes over the training images. */
  readonly epochs: number;
  /** Peak learning rate for a batch of 256; it is scaled linearly with the batch size. */
  readonly lr: number;
  /** Learning rate at the end; it is not scaled. */
  readonly minLr: number;
  /** Fraction of the run in which the learning rate rises from 0 to its peak. */
  readonly warmupShare: number;
  /** Weight decay at the start. */
  readonly weightDecay: number;
  /** Weight decay at the end; it changes along a cosine. */
  readonly weightDecayEnd: number;
  /**
   * L2 norm to which the gradient of each tensor is clipped, in MoBY that of all tensors together; 0
   * turns clipping off.
   */
  readonly clipNorm: number;
  /**
   * With "bf16", the blocks of ConvNeXt, BC-SSL, SLaK, ViT, Swin and ResNet round the factors of
   * their matrix products to bf16, forward and backward (in a ResNet forward only), on CPUs that
   * multiply bf16 (AVX512-BF16). This is faster and gives other numbers, so it is another run.
   * Evaluation always uses fp32. By default, training does too.
   */
  readonly precision?: Precision;
  /**
   * With "bf16", processes that train together send each other their gradients in bf16: half as many
   * bytes. Each gradient differs from the mean over the processes by at most 2⁻⁷ of the mean of their
   * absolute gradients, for any number of processes, so it is another run. A process that trains
   * alone sends none. By default, fp32.
   */
  readonly gradients?: "bf16";
}

/**
 * The number of steps of a recipe for a data set of `imageCount` images.
 *
 * @throws {RangeError} If there are fewer images than one batch, fewer in a batch than
 *   micro-batches, or no epoch to run.
 */
export function pretrainLength(
  recipe: Pick<CommonRecipe, "batchSize" | "epochs" | "accumulate">,
  imageCount: number,
): RunLength {
  const length = runLength(recipe, imageCount);
  // A wrong number of micro-batches fails here, not only at the first step.
  microBatches(recipe.batchSize, recipe.accumulate ?? 1);
  return length;
}

/** The steps in which the learning rate rises. */
export function warmupSteps({ warmupShare }: CommonRecipe, totalSteps: number): number {
  return Math.round(warmupShare * totalSteps);
}

/**
 * The learning rate and the weight decay at a step. The rate rises linearly and then falls along
 * half a cosine; the weight decay follows half a cosine over the whole run.
 *
 * @param warmupEnd Which step of the warm-up has the peak: its last one, or the one after it.
 * @param start The rate at the first step of the warm-up; it is not scaled.
 */
export function cosineValues(
  recipe: CommonRecipe,
  { step, totalSteps }: Pick<Moment, "step" | "totalSteps">,
  warmupEnd?: "last" | "after",
  start?: number,
): OptimizerValues {
  const { lr, minLr, batchSize, weightDecay, weightDecayEnd } = recipe;
  return {
    lr: cosineSchedule(step, {
      base: lr * batchSize / 256,
      final: minLr,
      totalSteps,
      warmupSteps: warmupSteps(recipe, totalSteps),
      warmupEnd,
      start,
    }),
    weightDecay: cosineSchedule(step, { base: weightDecay, final: weightDecayEnd, totalSteps }),
  };
}
