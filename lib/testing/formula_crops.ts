/** Crops by formula: those of `crops_of` in `lib/ssl/dino/golden/parity.py`. */
import type { CropBatch } from "lib/ssl/views/batch.ts";
import { formula } from "./formula.ts";

/** How many crops, and how large. */
export interface FormulaCrops {
  /** Prefix of the names from which the formula makes the images. */
  readonly images: string;
  /** Number of images. */
  readonly batch: number;
  /** Pixels a side of the global and of the local crops. */
  readonly global: number;
  readonly local: number;
  /** Number of local crops of an image. */
  readonly locals: number;
}

/**
 * The crops of a step; all crops of an image have one colour in common.
 *
 * @param colours The colour of each image, `[batch, 3]`. By default each step has its own.
 */
export function formulaCrops(
  { images, batch, global, local, locals }: FormulaCrops,
  step: number,
  colours: Float32Array = formula(`${images} colour ${step}`, batch * 3),
): CropBatch {
  const crops = (kind: string, size: number, count: number) => {
    const noise = formula(`${images} ${kind} ${step}`, count * batch * size * size * 3);
    return noise.map((value, i) => {
      const image = Math.floor(i / (size * size * 3)) % batch;
      return colours[image * 3 + i % 3]! + 0.5 * value;
    });
  };
  return {
    images: batch,
    global: crops("global", global, 2),
    local: crops("local", local, locals),
  };
}
