/** The verb `detectIn`: the objects that a trained detector finds in any picture. */
import { absolutePath } from "lib/paths.ts";
import type { Raster } from "lib/augment/mod.ts";
import type { CocoBox, Rle } from "lib/datasets/coco/rle.ts";
import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";
import { detectInPictures } from "lib/detect/detect_in_set.ts";
import { openDetectionData } from "lib/experiments/detect/detection_data.ts";
import {
  type DetectorConfig,
  type DetectorKey,
  shownAt,
} from "lib/experiments/detect/detector_config.ts";
import { sizesAt } from "lib/experiments/configs/config.ts";
import { numClassesOf } from "lib/experiments/detect/detector_learner.ts";
import {
  type DetectorCheckpoint,
  findDetector,
  loadSavedDetector,
} from "lib/experiments/detect/saved_detector.ts";

/** An object that was found, in pixels of the given picture. */
export interface FoundObject {
  /** Name of the object's class. */
  readonly name: string;
  /** Confidence of the detector, a fraction. */
  readonly score: number;
  /** Box around the object: left, top, width and height, in pixels. */
  readonly box: CocoBox;
  /** Pixels that belong to the object, in a mask as large as the picture. */
  readonly mask: Rle;
}

/** A picture and the objects that a detector found in it. */
export interface FoundInPicture {
  /** Id of the detector's run. */
  readonly run: string;
  /** Version of the weights: `step 2000`. */
  readonly version: string;
  /** The picture at the size at which the detector saw it. */
  readonly picture: Raster;
  /** Objects in order of confidence, the highest first. */
  readonly objects: readonly FoundObject[];
}

/** Which detector to use, and which of its findings to return. */
export interface DetectInOptions extends Pick<DetectorKey, "scale" | "seed"> {
  /** Checkpoint to use; by default `last`. */
  readonly of?: DetectorCheckpoint;
  /** Lowest score to return, a fraction: by default 0.5. */
  readonly minScore?: number;
}

/**
 * Finds objects of the run's classes in a picture, scaled to the size at which the detector is
 * evaluated.
 *
 * @param picture Pixels, or the path of a JPEG, PNG or WebP; `~` is the home folder.
 * @throws {Error} If the run is not there, or the file is not there or not a picture; the message
 *   names it.
 */
export async function detectIn(
  config: DetectorConfig,
  picture: Raster | string,
  { scale, seed, of = "last", minScore = 0.5 }: DetectInOptions,
): Promise<FoundInPicture> {
  const key = { config, scale, seed };
  const weights = findDetector(key, of);
  const pixels = typeof picture === "string" ? await readPicture(picture) : picture;
  const data = await openDetectionData(config.data, sizesAt(config, scale), () => {});
  const { categories } = data.train;
  using model = loadSavedDetector(key, weights, numClassesOf(data));
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const detections = await detectInPictures(
    model,
    [{ id: 0, picture: pixels }],
    categories.map(({ id }) => id),
    shownAt(config, scale),
  );
  const objects = detections.filter(({ score }) => score >= minScore)
    .map(({ categoryId, score, box, mask }) => ({
      name: names.get(categoryId)!,
      score,
      box,
      mask: mask!,
    }));
  return { run: weights.folder.id, version: weights.version, picture: pixels, objects };
}

async function readPicture(path: string): Promise<Raster> {
  const full = absolutePath(path);
  try {
    return await decodePicture(await Deno.readFile(full));
  } catch (error) {
    throw new Error(`Cannot read the picture ${full}: ${(error as Error).message.split("\n")[0]}`);
  }
}
