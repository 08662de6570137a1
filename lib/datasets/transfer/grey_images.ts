/** Makes sets in memory of small grey images. */
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";

/** Grey images of one size. N images. */
export interface GreyImages {
  /** Pixels a side. */
  readonly side: number;
  /** `[N, side, side]`, 0–255. */
  readonly grey: Uint8Array;
  /** `[N]` */
  readonly labels: ArrayLike<number>;
  readonly classNames: readonly string[];
}

/** A part of a set as colour images of three equal channels. @param part `train`, say. */
export function greySet(
  name: string,
  part: string,
  { side, grey, labels, classNames }: GreyImages,
): ImageSet {
  const pixels = new Uint8Array(3 * grey.length);
  for (let p = 0; p < grey.length; p++) pixels.fill(grey[p]!, 3 * p, 3 * p + 3);
  return checkImageSet({
    name: `${name}, ${part}`,
    height: side,
    width: side,
    pixels,
    labels: Int32Array.from(labels),
    classNames,
    ids: Array.from({ length: labels.length }, (_, i) => `${part}/${i}`),
  });
}
