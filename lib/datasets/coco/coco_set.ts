/**
 * A checked set of pictures and annotations in COCO's format. Detectors are trained and evaluated
 * on such sets.
 */
import { join } from "@std/path";
import type { Raster } from "lib/augment/mod.ts";
import { polygonsToRle } from "./polygon.ts";
import type { CocoBox, Rle } from "./rle.ts";
import { liesOnItsSide, orientationOf, turned } from "./exif_turn.ts";
import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";

/** A picture of the set. */
export interface CocoImage {
  /** Unique in its set. */
  readonly id: number;
  /** Path below the folder of the pictures. */
  readonly fileName: string;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
}

/** A class of objects. */
export interface CocoCategory {
  /** Unique in its set; COCO's eighty have numbers from 1 to 90. */
  readonly id: number;
  /** Name of the class. */
  readonly name: string;
}

/** Polygons, each `[x, y, x, y, …]` in pixels, or a mask. */
export type Segmentation = readonly (readonly number[])[] | Rle;

/**
 * One object; or a crowd, a group of objects of one kind that the annotators did not separate.
 */
export interface CocoAnnotation {
  /** Unique in its set. */
  readonly id: number;
  /** Id of the image that it is in. */
  readonly imageId: number;
  /** Id of the object's class. */
  readonly categoryId: number;
  /** Box around the object. */
  readonly box: CocoBox;
  /** Area in pixels, as annotated. COCO's sizes (small, medium, large) are ranges of this area. */
  readonly area: number;
  /** Whether this is a group, which scores and training leave out. */
  readonly crowd: boolean;
  /** The pixels of the object. */
  readonly segmentation: Segmentation;
}

/** A set of pictures with annotated objects. */
export interface CocoSet {
  /** Name of the set for captions and messages: `instances_val2017`. */
  readonly name: string;
  /** The folder of the pictures. */
  readonly folder: string;
  /** All images, also those without objects, ordered by id. */
  readonly images: readonly CocoImage[];
  /** Ordered by id. A network's label is an index into this list. */
  readonly categories: readonly CocoCategory[];
  /**
   * Objects of each image, by the image's id, in the order of the file. Images without objects have
   * no entry.
   */
  readonly annotations: ReadonlyMap<number, readonly CocoAnnotation[]>;
}

/** The objects of an image; empty if it has none. */
export function annotationsOf(set: CocoSet, image: CocoImage): readonly CocoAnnotation[] {
  return set.annotations.get(image.id) ?? [];
}

/** The mask of an object of an image. */
export function maskOf(
  { segmentation }: Pick<CocoAnnotation, "segmentation">,
  { height, width }: Pick<CocoImage, "height" | "width">,
): Rle {
  return "counts" in segmentation ? segmentation : polygonsToRle(segmentation, height, width);
}

/**
 * Reads an image's pixels. The picture is turned as EXIF says if only then it has the sides for
 * which it is annotated. If it has them as it is stored, it is not turned; torchvision does the
 * same.
 *
 * @throws {Error} If the file cannot be read or decoded, or has other sides than those for which it
 *   is annotated; the message names the file and the id.
 */
export async function readCocoPicture(set: CocoSet, image: CocoImage): Promise<Raster> {
  const path = join(set.folder, image.fileName);
  const refuse = (why: string) =>
    new Error(`Cannot read ${path}, image ${image.id} of "${set.name}": ${why}`);
  const bytes = await Deno.readFile(path).catch((error) => {
    throw refuse(error.message);
  });
  // libvips keeps its messages in one buffer for all threads: pictures that are read at the same
  // time would get each other's messages. So the message is our own.
  const picture = await decodePicture(bytes).catch(() => {
    throw refuse("it is not a picture, or is cut short");
  });
  if (fits(picture, image)) return picture;
  const orientation = await orientationOf(bytes);
  const lies = liesOnItsSide(orientation);
  if (lies && fits({ height: picture.width, width: picture.height }, image)) {
    return turned(picture, orientation);
  }
  const inEither = lies
    ? `pixels as stored and ${picture.height} × ${picture.width} as EXIF turns it`
    : "pixels";
  throw new Error(
    `Cannot use ${path}, image ${image.id} of "${set.name}": ` +
      `it is ${picture.width} × ${picture.height} ${inEither}, ` +
      `its annotations are for ${image.width} × ${image.height}`,
  );
}

type Sides = Pick<CocoImage, "height" | "width">;

function fits(picture: Sides, image: Sides): boolean {
  return picture.height === image.height && picture.width === image.width;
}
