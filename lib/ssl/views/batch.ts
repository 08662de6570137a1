/**
 * The views of a batch of images as arrays: their layout in memory, and how they are written.
 *
 * B images in a batch, V local crops an image, G and L pixels a side.
 */
import { type NormalizeTable, normalizeTable, type Raster } from "lib/augment/mod.ts";
import type { Rng } from "lib/rng.ts";
import { checkRecipe, type CropRecipe } from "./crop_recipe.ts";
import { type CropSource, imageOf } from "./crop_source.ts";
import { applyView } from "./paint.ts";
import { sampleViews, type ViewParams } from "./sample.ts";

/** The views of a batch, view by view: all images of view 0, then all images of view 1, … */
export interface CropBatch {
  /** B, the number of images. */
  readonly images: number;
  /** `[2·B, G, G, 3]`, normalised. */
  readonly global: Float32Array;
  /** `[V·B, L, L, 3]`, normalised. */
  readonly local: Float32Array;
}

/**
 * Allocates a batch for the views of `images` images.
 *
 * @param allocate Returns an array of zeros.
 * @throws {RangeError} If the recipe cannot be followed.
 */
export function emptyCropBatch(
  images: number,
  recipe: CropRecipe,
  allocate: (length: number) => Float32Array = (length) => new Float32Array(length),
): CropBatch {
  checkRecipe(recipe);
  return {
    images,
    global: allocate(2 * images * recipe.globalSize ** 2 * 3),
    local: allocate(recipe.localCrops * images * recipe.localSize ** 2 * 3),
  };
}

/**
 * Writes all views of one image into a batch.
 *
 * @param views From {@linkcode sampleViews}.
 * @param position The image's place in the batch, 0 … B − 1.
 * @param values The table that {@linkcode normalizeTable} makes from `recipe.stats`.
 */
export function multiCrop(
  image: Raster,
  views: readonly ViewParams[],
  recipe: CropRecipe,
  out: CropBatch,
  position: number,
  values: NormalizeTable,
): void {
  views.forEach((params, view) => {
    const [size, to, index] = view < 2
      ? [recipe.globalSize, out.global, view]
      : [recipe.localSize, out.local, view - 2];
    const offset = (index * out.images + position) * size * size * 3;
    applyView(image, params, size, values, to, offset);
  });
}

/**
 * Makes the views of the images at `indices`.
 *
 * @param rng The step's random stream. A view depends only on it, on the image, on the image's
 *   place in the batch and on the number of the view.
 * @param out A batch to overwrite and return. By default, a new one is allocated.
 * @throws {RangeError} If an index is outside the set, or the recipe cannot be followed.
 * @throws {TypeError} If `out` has another size.
 */
export function cropBatch(
  source: CropSource,
  indices: ArrayLike<number>,
  recipe: CropRecipe,
  rng: Rng,
  out: CropBatch = emptyCropBatch(indices.length, recipe),
): CropBatch {
  checkRoom(out, indices.length, recipe);
  const values = normalizeTable(recipe.stats);
  for (let position = 0; position < indices.length; position++) {
    const image = imageOf(source, indices[position]!);
    const views = sampleViews(rng.fork(position), recipe, image);
    multiCrop(image, views, recipe, out, position, values);
  }
  return out;
}

function checkRoom(out: CropBatch, images: number, recipe: CropRecipe): void {
  checkRecipe(recipe);
  const need = [2 * recipe.globalSize ** 2, recipe.localCrops * recipe.localSize ** 2]
    .map((pixels) => pixels * images * 3);
  if (out.images === images && out.global.length === need[0] && out.local.length === need[1]) {
    return;
  }
  throw new TypeError(
    `Cannot write crops of ${images} images: need ${need.join(" and ")} values, ` +
      `current room is ${out.global.length} and ${out.local.length} for ${out.images}`,
  );
}
