/** The part of a recipe that all methods share. */
import type { ModelConfig } from "lib/models/mod.ts";
import type { Precision } from "lib/nn/pointwise.ts";
import { type RunLength, runLength } from "lib/train/loop.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";
import { cosineSchedule } from "lib/train/schedules.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { microBatches } from "lib/ssl/views/views.ts";
import type { Moment, OptimizerValues } from "./method.ts";

/** Shares are fractions of the whole run. */
export interface CommonRecipe {
  /** The network to train, without head. */
  readonly model: ModelConfig;
  /** How the views of an image are made. */
  readonly crops: CropRecipe;
  /** By default, AdamW. */
  readonly optimizer?: OptimizerName;
  /** Images a step; every batch of a run is full. */
  readonly batchSize: number;
  /**
   * Micro-batches that each batch goes through the networks in, to need the memory of one. The step
   * stays that of the whole batch, but for what BatchNorm sees (`batchGradients` in gradients.ts).
   * By default, 1.
   */
  readonly accumulate?: number;
  /** Passes over the training images. */
  readonly epochs: number;
  /** Peak, for 256 images; scaled linearly with the batch. */
  readonly lr: number;
  /** Where the learning rate ends; not scaled. */
  readonly minLr: number;
  /** The part of the run in which the learning rate rises from 0 to its peak. */
  readonly warmupShare: number;
  /** Share of a weight, times the learning rate, that the first step takes away. */
  readonly weightDecay: number;
  /** Where the weight decay ends, along a cosine. */
  readonly weightDecayEnd: number;
  /**
   * L2 norm above which the gradient of a tensor is scaled down; 0 leaves all gradients as they
   * are.
   */
  readonly clipNorm: number;
  /**
   * "bf16" rounds the factors of the products in the blocks of ConvNeXt, BC-SSL and SLaK, forward
   * and backward, where the CPU multiplies bf16 (AVX512-BF16): faster, and another run. Evaluation
   * stays in fp32. By default, training does too.
   */
  readonly precision?: Precision;
}

/**
 * How many steps a recipe takes on so many images.
 *
 * @throws {RangeError} If there are fewer images than one batch, fewer in a batch than
 *   micro-batches, or no epoch to run.
 */
export function pretrainLength(
  recipe: Pick<CommonRecipe, "batchSize" | "epochs" | "accumulate">,
  imageCount: number,
): RunLength {
  const length = runLength(recipe, imageCount);
  microBatches(recipe.batchSize, recipe.accumulate ?? 1); // throws now rather than at the first step
  return length;
}

/** The steps in which the learning rate rises. */
export function warmupSteps({ warmupShare }: CommonRecipe, totalSteps: number): number {
  return Math.round(warmupShare * totalSteps);
}

/**
 * The learning rate rises linearly and falls along half a cosine; the weight decay follows half a
 * cosine all the way.
 *
 * @param warmupEnd Which step of the warm-up has the peak: its last one, or the one after it.
 */
export function cosineValues(
  recipe: CommonRecipe,
  { step, totalSteps }: Pick<Moment, "step" | "totalSteps">,
  warmupEnd?: "last" | "after",
): OptimizerValues {
  const { lr, minLr, batchSize, weightDecay, weightDecayEnd } = recipe;
  return {
    lr: cosineSchedule(step, {
      base: lr * batchSize / 256,
      final: minLr,
      totalSteps,
      warmupSteps: warmupSteps(recipe, totalSteps),
      warmupEnd,
    }),
    weightDecay: cosineSchedule(step, { base: weightDecay, final: weightDecayEnd, totalSteps }),
  };
}
