/** How a detector is trained, as data. */
import type { ChannelStats } from "lib/augment/mod.ts";
import type { DetectionAugmentation } from "lib/detect/training/augment.ts";
import type { OptimizerName } from "lib/train/optimizer.ts";

/** Shares are fractions of the whole run. */
export interface DetectorRecipe {
  readonly augment: DetectionAugmentation;
  /** What pictures are normalised by. */
  readonly stats: ChannelStats;
  readonly optimizer: OptimizerName;
  /** Pictures a step; every batch of a run is full. */
  readonly batchSize: number;
  readonly epochs: number;
  /** Peak, for 16 pictures; scaled linearly with the batch. */
  readonly lr: number;
  readonly weightDecay: number;
  /** Of the learning rate, from one group of the backbone's layers to that before it (`layer_decay.ts`); 1 is none. */
  readonly layerDecay: number;
  /** L2 norm above which a gradient tensor is scaled down; 0 leaves all as they are. */
  readonly clipNorm: number;
  readonly warmupSteps: number;
  /** When the learning rate falls to a tenth, each a share. */
  readonly drops: readonly number[];
}

/** The length of a run. The last batch of an epoch is dropped if it is not full. */
export interface DetectorLength {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/** @throws {RangeError} If there are fewer pictures than one batch. */
export function detectorLength(
  { batchSize, epochs }: Pick<DetectorRecipe, "batchSize" | "epochs">,
  pictures: number,
): DetectorLength {
  const stepsPerEpoch = Math.floor(pictures / batchSize);
  if (stepsPerEpoch < 1) {
    throw new RangeError(
      `Cannot fill a batch of ${batchSize} from ${pictures} pictures with objects`,
    );
  }
  return { stepsPerEpoch, totalSteps: stepsPerEpoch * epochs };
}
