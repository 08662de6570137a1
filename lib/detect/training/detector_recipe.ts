/** The recipe of a detector's training, as data. */
import type { ChannelStats } from "lib/augment/mod.ts";
import type { DetectionAugmentation } from "./augment.ts";
import { type RunLength, runLength } from "lib/train/loop.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";

/** How a detector is trained; shares are fractions of the whole run. */
export interface DetectorRecipe {
  /** Random changes of the training pictures. */
  readonly augment: DetectionAugmentation;
  /** Normalisation of the pictures. */
  readonly stats: ChannelStats;
  /** Name of the optimiser. */
  readonly optimizer: OptimizerName;
  /** Pictures per step; every batch is full. */
  readonly batchSize: number;
  /** Passes over the training pictures. */
  readonly epochs: number;
  /** Peak learning rate for 16 pictures; it is scaled linearly with the batch. */
  readonly lr: number;
  /** Share of a weight, times the learning rate, that each step takes away. */
  readonly weightDecay: number;
  /**
   * Factor of the learning rate from one group of the backbone's layers to the group before it
   * (`lib/models/layer_decay.ts`); 1 means none.
   */
  readonly layerDecay: number;
  /** L2 norm above which a gradient tensor is scaled down; 0 switches this off. */
  readonly clipNorm: number;
  /** Steps in which the learning rate rises to its peak. */
  readonly warmupSteps: number;
  /** Times at which the learning rate falls to a tenth, as shares of the run. */
  readonly drops: readonly number[];
}

/**
 * Calculates the length of a run.
 *
 * @throws {RangeError} If there are fewer pictures than one batch.
 */
export function detectorLength(
  recipe: Pick<DetectorRecipe, "batchSize" | "epochs">,
  pictures: number,
): RunLength {
  return runLength(recipe, pictures, "pictures with objects");
}
