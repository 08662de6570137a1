/** The verb `exampleViews`: shows the views that a network is trained on. */
import { createRng } from "lib/rng.ts";
import { type ImageSet, subset } from "lib/datasets/pictures/images.ts";
import { cropBatch } from "lib/ssl/views/batch.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { cropSource } from "lib/ssl/views/crop_source.ts";

/**
 * Rows of images: each has an image, its global views and its local views, all at the size of the
 * global ones.
 */
export interface ExampleViews {
  /** All pictures, row by row: `rows × columns` images. */
  readonly images: ImageSet;
  /** Images in a row: 1 + 2 + the number of local crops. */
  readonly columns: number;
  /** One caption per column. */
  readonly captions: readonly string[];
}

/**
 * Makes the views of some images at one step, as pixels.
 *
 * @throws {RangeError} If images, global and local views differ in size: they would not make a
 *   grid.
 *
 * @example
 * ```ts
 * import { bcSslStart, exampleViews, loadData, recipeAt, sizesAt } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { train } = await loadData(bcSslStart.data, sizesAt(bcSslStart, "smoke"));
 * const { crops } = recipeAt(bcSslStart, "smoke");
 * const { images, columns } = exampleViews(train, crops, { indices: [0, 1], seed: 0 });
 * assertEquals(columns, 5); // the image, two global views, two local ones
 * assertEquals(images.labels.length, 10);
 * ```
 */
export function exampleViews(
  set: ImageSet,
  crops: CropRecipe,
  { indices, seed }: { readonly indices: readonly number[]; readonly seed: number },
): ExampleViews {
  const { globalSize: side, localSize, localCrops } = crops;
  if (side !== localSize || side !== set.width || side !== set.height) {
    throw new RangeError(
      `Cannot lay out views of ${side} and ${localSize} pixels beside images of ${set.width}×${set.height}`,
    );
  }
  const batch = cropBatch(cropSource(set), indices, crops, createRng(seed).fork("example views"));
  const size = side * side * 3;
  const columns = 3 + localCrops;
  const originals = subset(set, indices);
  const pixels = new Uint8Array(indices.length * columns * size);
  indices.forEach((_, row) => {
    const place = (column: number, values: Uint8Array) =>
      pixels.set(values, (row * columns + column) * size);
    place(0, originals.pixels.subarray(row * size, (row + 1) * size));
    for (let view = 0; view < 2 + localCrops; view++) {
      const [from, index] = view < 2 ? [batch.global, view] : [batch.local, view - 2];
      const start = (index * indices.length + row) * size;
      place(1 + view, toPixels(from.subarray(start, start + size), crops));
    }
  });
  return {
    images: {
      ...set,
      name: `${set.name}, views`,
      pixels,
      labels: Int32Array.from([...originals.labels].flatMap((l) => Array(columns).fill(l))),
      ids: originals.ids.flatMap((id) => Array<string>(columns).fill(id)),
      masks: undefined,
    },
    columns,
    captions: ["image", "global 1", "global 2"]
      .concat(Array.from({ length: localCrops }, (_, i) => `local ${i + 1}`)),
  };
}

/** Turns normalised values back into pixels. */
function toPixels(values: Float32Array, { stats: { mean, std } }: CropRecipe): Uint8Array {
  return Uint8Array.from(values, (v, i) => Math.round(255 * (v * std[i % 3]! + mean[i % 3]!)));
}
