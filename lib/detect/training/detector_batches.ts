/** Batches of augmented pictures for a detector's training, read ahead while it takes its steps. */
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import type { TrainingPictureReader } from "lib/detect/training/training_pictures.ts";
import { augmentPicture } from "lib/detect/training/augment.ts";
import { batchPictures, type DetectionPixels } from "lib/detect/inference/detection_pixels.ts";
import type { DetectorRecipe } from "lib/detect/training/detector_recipe.ts";
import type { DetectionTargets } from "lib/detect/boxes/targets.ts";
import type { Rng } from "lib/rng.ts";

// pictures in flight: libvips decodes in threads of its own
const atOnce = 2 * navigator.hardwareConcurrency;
const mostAhead = 2; // batches that wait to be fetched

export interface DetectorBatch {
  readonly pixels: DetectionPixels;
  /** Of each picture. */
  readonly targets: readonly DetectionTargets[];
}

export interface DetectorBatches {
  /** Pictures to draw from. */
  readonly count: number;
  /**
   * The pictures at `indices`: those of {@linkcode prefetch}, if they were asked for at this step,
   * else made now.
   */
  next(indices: Uint32Array, step: number): Promise<DetectorBatch>;
  /** Begins to read a later batch, and returns at once. */
  prefetch(indices: Uint32Array, step: number): void;
}

/**
 * Makes batches.
 *
 * @param rng A batch's stream is its fork `step`; a picture's is that one's fork by its number.
 */
export function openDetectorBatches(
  reader: TrainingPictureReader,
  { augment, stats }: Pick<DetectorRecipe, "augment" | "stats">,
  rng: Rng,
): DetectorBatches {
  const ahead = new Map<number, Promise<DetectorBatch>>();
  const make = async (indices: readonly number[], step: number): Promise<DetectorBatch> => {
    const shown = await mapInOrder(
      indices,
      atOnce,
      async (index) =>
        augmentPicture(await reader.read(index), augment, rng.fork(step).fork(index)),
    );
    const pixels = batchPictures(shown.map(({ picture }) => picture), stats);
    return { pixels, targets: shown.map(({ targets }) => targets) };
  };
  const begin = (indices: Uint32Array, step: number) => {
    const made = make([...indices], step);
    made.catch(() => {}); // it is heard when its turn comes
    return made;
  };
  return {
    count: reader.images.length,
    next: (indices, step) => {
      const made = ahead.get(step) ?? begin(indices, step);
      ahead.delete(step);
      return made;
    },
    prefetch: (indices, step) => {
      if (!ahead.has(step) && ahead.size < mostAhead) ahead.set(step, begin(indices, step));
    },
  };
}
