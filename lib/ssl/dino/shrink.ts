/** Decoding only as many pixels of a JPEG as its views need. */
import { decodePicture, pictureSize, type Shrink } from "lib/datasets/decode_picture.ts";
import type { Raster } from "lib/augment/mod.ts";
import type { CropRecipe, ViewParams } from "lib/ssl/dino/crops.ts";

/** A decoded picture, with views whose boxes are in its pixels. */
export interface PictureViews {
  readonly image: Raster;
  readonly views: readonly ViewParams[];
}

const spare = 2; // pixels that a box keeps for each of its view's: below, JPEG's own averaging shows

/**
 * Decodes a picture at a half, a quarter or an eighth of its side where every box is so large that it still has
 * twice its view's pixels, and moves the boxes along; else, and if it is no JPEG, whole.
 *
 * Where it shrinks, views differ from those of the whole picture by a fraction of a percent of the range: JPEG's transform
 * averages squares of pixels, the bicubic filter weighs them. Photographs of a thousand pixels a side or less are never shrunk
 * under DINO's recipe for 224 and 96 pixels.
 *
 * @param draw Draws the views for a picture's size as stored.
 */
export async function decodeShrunk(
  bytes: Uint8Array,
  recipe: CropRecipe,
  draw: (size: { readonly width: number; readonly height: number }) => readonly ViewParams[],
): Promise<PictureViews> {
  const { width, height, format } = await pictureSize(bytes);
  const views = draw({ width, height });
  const shrink = format === "jpeg" ? shrinkFor(views, recipe) : 1;
  const image = await decodePicture(bytes, shrink);
  return { image, views: views.map((view) => ({ ...view, box: shrunk(view.box, shrink) })) };
}

/** How far a picture may be shrunk for these views. */
export function shrinkFor(views: readonly ViewParams[], recipe: CropRecipe): Shrink {
  const room = Math.min(...views.map(({ box }, view) => {
    const size = view < 2 ? recipe.globalSize : recipe.localSize;
    return Math.min(box.width, box.height) / size / spare;
  }));
  return room >= 8 ? 8 : room >= 4 ? 4 : room >= 2 ? 2 : 1;
}

function shrunk({ left, top, width, height }: ViewParams["box"], shrink: Shrink) {
  return {
    left: left / shrink,
    top: top / shrink,
    width: width / shrink,
    height: height / shrink,
  };
}
