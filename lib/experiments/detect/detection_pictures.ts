/** Pictures of a set with their annotated objects, to be shown or given to a detector. */
import {
  annotationsOf,
  type CocoSet,
  maskOf,
  readCocoPicture,
} from "lib/datasets/coco/coco_set.ts";
import type { FoundInPicture, FoundObject } from "lib/experiments/detect/detect_in.ts";

/** A picture and its objects. */
export interface AnnotatedPicture extends Pick<FoundInPicture, "picture"> {
  /** Objects as the annotators drew them, so without a score. */
  readonly objects: readonly Omit<FoundObject, "score">[];
}

/**
 * Reads some pictures of a set.
 *
 * @param indices Indices into the set's images.
 * @throws {RangeError} If there is no such image.
 * @throws {Error} If a picture cannot be read; the message names it.
 */
export async function annotatedPictures(
  set: CocoSet,
  indices: readonly number[],
): Promise<AnnotatedPicture[]> {
  const names = new Map(set.categories.map(({ id, name }) => [id, name]));
  return await Promise.all(indices.map(async (index) => {
    const image = set.images[index];
    if (image === undefined) {
      throw new RangeError(
        `Cannot read image ${index} of "${set.name}": it has ${set.images.length}`,
      );
    }
    const objects = annotationsOf(set, image).map((annotation) => ({
      name: names.get(annotation.categoryId)!,
      box: annotation.box,
      mask: maskOf(annotation, image),
    }));
    return { picture: await readCocoPicture(set, image), objects };
  }));
}
