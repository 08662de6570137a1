/** COCO's pictures and what is annotated on them, checked: what detectors train on and are measured by. */
import { join } from "@std/path";
import type { Raster } from "lib/augment/mod.ts";
import { polygonsToRle } from "lib/datasets/coco/polygon.ts";
import type { CocoBox, Rle } from "lib/datasets/coco/rle.ts";
import { liesOnItsSide, orientationOf, turned } from "lib/datasets/coco/exif_turn.ts";
import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";

export interface CocoImage {
  /** Unique in its set. */
  readonly id: number;
  /** Below the folder of the pictures. */
  readonly fileName: string;
  /** In pixels. */
  readonly height: number;
  /** In pixels. */
  readonly width: number;
}

export interface CocoCategory {
  /** Unique in its set; COCO's eighty have numbers from 1 to 90. */
  readonly id: number;
  readonly name: string;
}

/** Polygons, each `[x, y, x, y, …]` in pixels, or a mask. */
export type Segmentation = readonly (readonly number[])[] | Rle;

/** One object; or, as a crowd, many of a kind that nobody has told apart. */
export interface CocoAnnotation {
  /** Unique in its set. */
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: CocoBox;
  /** In pixels, as annotated: what COCO's sizes (small, medium, large) go by. */
  readonly area: number;
  readonly crowd: boolean;
  readonly segmentation: Segmentation;
}

export interface CocoSet {
  /** What it is, for captions and messages: `instances_val2017`. */
  readonly name: string;
  /** The folder of the pictures. */
  readonly folder: string;
  /** By id; those without objects too. */
  readonly images: readonly CocoImage[];
  /** By id. A label, as networks have it, is an index into these. */
  readonly categories: readonly CocoCategory[];
  /** By the id of the image, then in the order of the file. Images without objects are not in it. */
  readonly annotations: ReadonlyMap<number, readonly CocoAnnotation[]>;
}

/** The objects of an image; none is an answer, too. */
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
 * An image's pixels, in the frame of its annotations: where those have the sides of the picture as EXIF turns it, and not
 * as it is stored, it is turned. A picture whose sides fit both ways is taken as it is stored, as torchvision does.
 *
 * @throws {Error} If its file cannot be read or decoded, or has not the sides that its annotations are for; the message names
 *   file and id.
 */
export async function readCocoPicture(set: CocoSet, image: CocoImage): Promise<Raster> {
  const path = join(set.folder, image.fileName);
  const refuse = (why: string) =>
    new Error(`Cannot read ${path}, image ${image.id} of "${set.name}": ${why}`);
  const bytes = await Deno.readFile(path).catch((error) => {
    throw refuse(error.message);
  });
  // In our words: libvips has one buffer of messages for all threads, so that pictures read at once get each other's.
  const picture = await decodePicture(bytes).catch(() => {
    throw refuse("it is no picture, or is cut short");
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
    `Cannot use ${path}, image ${image.id} of "${set.name}": it is ${picture.width} × ${picture.height} ${inEither}, ` +
      `its annotations are for ${image.width} × ${image.height}`,
  );
}

type Sides = Pick<CocoImage, "height" | "width">;

function fits(picture: Sides, image: Sides): boolean {
  return picture.height === image.height && picture.width === image.width;
}
