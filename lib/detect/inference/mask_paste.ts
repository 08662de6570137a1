/** Pasting small masks back into the image. */
import type { Boxes } from "lib/detect/boxes/boxes.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";
import type { Rle } from "lib/datasets/coco/rle.ts";

const f32 = Math.fround; // torchvision's precision, which decides how a box is rounded

/**
 * Stretches a mask over its box, and returns the pixels where the object is more likely than not.
 * Like torchvision's `paste_masks_in_image`, it rounds the box to whole pixels, and takes
 * everything around the mask for background.
 *
 * @param mask `[M, M]`, probabilities.
 * @param box `[1, 4]`, in pixels of the image.
 */
export function pasteMask(mask: Float32Array, box: Boxes, { height, width }: ImageSize): Rle {
  const size = Math.sqrt(mask.length);
  const columns = stretch(box[0]!, box[2]!, size, width);
  const rows = stretch(box[1]!, box[3]!, size, height);
  const runs = startRuns();
  let at = 0; // column after column, as COCO's run lengths
  for (const column of columns) {
    for (const row of rows) {
      if (!(blend(mask, size, row, column) > 0.5)) continue;
      const pixel = column.pixel * height + row.pixel;
      runs.add(pixel - at, false);
      runs.add(1, true);
      at = pixel + 1;
    }
  }
  runs.add(height * width - at, false);
  return { height, width, counts: Uint32Array.from(runs.counts) };
}

/** A pixel of the image along one axis, and the two pixels of the mask next to it. */
interface Place {
  readonly pixel: number;
  readonly below: number;
  /** Weight of the mask pixel above `below`. */
  readonly share: number;
}

/**
 * Pixels of the image over which M mask pixels, and one of background on either side, are
 * stretched.
 */
function stretch(from: number, to: number, size: number, length: number): Place[] {
  const padded = size + 2;
  const centre = f32(f32(from + to) / 2);
  const half = f32(f32(to - from) / 2 * f32(padded / size));
  const [first, last] = [Math.trunc(f32(centre - half)), Math.trunc(f32(centre + half))];
  const extent = Math.max(last - first + 1, 1);
  const places: Place[] = [];
  for (let pixel = Math.max(first, 0); pixel < Math.min(last + 1, length); pixel++) {
    const at = Math.max((pixel - first + 0.5) * padded / extent - 0.5, 0);
    const below = Math.floor(at);
    places.push({ pixel, below: below - 1, share: at - below });
  }
  return places;
}

/** Bilinear interpolation. */
function blend(mask: Float32Array, size: number, row: Place, column: Place): number {
  const value = (y: number, x: number) =>
    y < 0 || x < 0 || y >= size || x >= size ? 0 : mask[y * size + x]!;
  const along = (y: number) =>
    value(y, column.below) * (1 - column.share) + value(y, column.below + 1) * column.share;
  return along(row.below) * (1 - row.share) + along(row.below + 1) * row.share;
}

/** Collects run lengths, background first. */
function startRuns() {
  const counts = [0];
  return {
    counts,
    add(length: number, inside: boolean): void {
      if (length === 0) return;
      if ((counts.length % 2 === 0) === inside) counts[counts.length - 1]! += length;
      else counts.push(length);
    },
  };
}
