/** Batches of augmented pictures for a detector's training, read ahead while it takes its steps. */
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import type { TrainingPictureReader } from "./training_pictures.ts";
import { augmentPicture } from "./augment.ts";
import { batchPictures, type DetectionPixels } from "lib/detect/inference/detection_pixels.ts";
import type { DetectorRecipe } from "./detector_recipe.ts";
import type { DetectionTargets } from "lib/detect/boxes/targets.ts";
import type { Rng } from "lib/rng.ts";
import { batchQueue, promised } from "lib/train/batch_queue.ts";
import type { BatchSource } from "lib/train/loop.ts";

// number of pictures that are decoded at the same time, in libvips's own threads
const atOnce = 2 * navigator.hardwareConcurrency;

export interface DetectorBatch {
  readonly pixels: DetectionPixels;
  /** The objects of each picture. */
  readonly targets: readonly DetectionTargets[];
}

/** Batches of pictures. */
export type DetectorBatches = BatchSource<DetectorBatch>;

/**
 * Makes batches.
 *
 * @param rng The picture of number `i` draws from the fork `i` of the fork of its step.
 */
export function openDetectorBatches(
  reader: TrainingPictureReader,
  { augment, stats }: Pick<DetectorRecipe, "augment" | "stats">,
  rng: Rng,
): DetectorBatches {
  const make = async (indices: readonly number[], step: number): Promise<DetectorBatch> => {
    const pictures = await mapInOrder(
      indices,
      atOnce,
      async (index) =>
        augmentPicture(await reader.read(index), augment, rng.fork(step).fork(index)),
    );
    const pixels = batchPictures(pictures.map(({ picture }) => picture), stats);
    return { pixels, targets: pictures.map(({ targets }) => targets) };
  };
  const queue = batchQueue((indices, step) => promised(make([...indices], step)));
  return { count: reader.images.length, next: queue.take, prefetch: queue.begin };
}
