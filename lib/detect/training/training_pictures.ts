/**
 * Training pictures of a COCO set with their objects. A damaged picture is reported. As `onFault`
 * says, it is then left out, or the training ends with an error.
 */
import {
  annotationsOf,
  type CocoAnnotation,
  type CocoImage,
  type CocoSet,
  maskOf,
  readCocoPicture,
} from "lib/datasets/coco/coco_set.ts";
import { decodeMask } from "lib/datasets/coco/rle.ts";
import type { CocoOptions } from "lib/datasets/coco/load_coco.ts";
import { type TrainingPicture, withoutEmpty } from "./augment.ts";
import { clipBoxes, toCorners } from "lib/detect/boxes/boxes.ts";

/** How to treat a picture that cannot be decoded, or whose size differs from its annotations'. */
export type OnDamage = Pick<CocoOptions, "onFault" | "log">;

/** Reads pictures of a set by index. */
export interface TrainingPictureReader {
  /** Images that have an object. */
  readonly images: readonly CocoImage[];
  /**
   * Reads picture `index` of `images`; if it is damaged, the next one that is not.
   *
   * @throws {Error} If the picture is damaged and `onFault` is "stop", or if all are damaged; the
   *   message names the file and the id.
   */
  read(index: number): Promise<TrainingPicture>;
}

/**
 * Opens the pictures to learn from. Pictures without objects are left out, as in torchvision and
 * mmdet.
 */
export function openAnnotatedPictures(
  set: CocoSet,
  { onFault = "leave out", log = console.warn }: OnDamage = {},
): TrainingPictureReader {
  const images = set.images.filter((image) => objectsOf(set, image).length > 0);
  const labels = new Map(set.categories.map(({ id }, index) => [id, index + 1]));
  const read = async (index: number) => {
    for (let tried = 0; tried < images.length; tried++) {
      const image = images[(index + tried) % images.length]!;
      try {
        return annotatedPicture(await readCocoPicture(set, image), objectsOf(set, image), labels);
      } catch (error) {
        if (onFault === "stop") throw error;
        log(`Left out: ${(error as Error).message}`);
      }
    }
    throw new Error(`Cannot train on "${set.name}": none of its pictures can be used`);
  };
  return { images, read };
}

/** Objects to learn; crowds are left out. */
function objectsOf(set: CocoSet, image: CocoImage): CocoAnnotation[] {
  return annotationsOf(set, image).filter(({ crowd }) => !crowd);
}

function annotatedPicture(
  picture: TrainingPicture["picture"],
  objects: readonly CocoAnnotation[],
  labels: ReadonlyMap<number, number>,
): TrainingPicture {
  const { height, width } = picture;
  const targets = withoutEmpty({
    height,
    width,
    boxes: clipBoxes(toCorners(objects.map(({ box }) => box)), height, width),
    labels: Int32Array.from(objects, ({ categoryId }) => labels.get(categoryId)!),
    masks: objects.map((object) => decodeMask(maskOf(object, picture))),
  });
  return { picture, targets };
}
