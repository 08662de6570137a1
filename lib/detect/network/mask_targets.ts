/**
 * Target masks of the mask head: the part of an object in a region, in M × M pixels.
 *
 * It is RoIAlign of a bitmap, computed only where the region is, since an image may have a million
 * pixels.
 *
 * R regions, H × W pixels of a bitmap.
 */
import type { Boxes } from "lib/detect/boxes/boxes.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";

export interface MaskTargetOptions {
  /** M. */
  readonly size: number;
  /** The meaning of pixel centres, as in `RoiAlignOptions`. */
  readonly aligned: boolean;
  /** Whether pixels become 1 where at least half covered, and 0 elsewhere. */
  readonly binary: boolean;
}

/**
 * Cuts regions out of bitmaps.
 *
 * @param masks Bitmaps `[H, W]` of 0 and 1.
 * @param boxes `[R, 4]`, in pixels of the bitmaps.
 * @param objects `[R]`, index of each region's bitmap.
 * @returns `[R, M, M]`, 0 to 1.
 */
export function maskTargets(
  masks: readonly Uint8Array[],
  { height, width }: ImageSize,
  boxes: Boxes,
  objects: Int32Array,
  { size, aligned, binary }: MaskTargetOptions,
): Float32Array {
  const targets = new Float32Array(objects.length * size * size);
  objects.forEach((object, r) => {
    const rows = cellsOf(boxes[4 * r + 1]!, boxes[4 * r + 3]!, height, size, aligned);
    const columns = cellsOf(boxes[4 * r]!, boxes[4 * r + 2]!, width, size, aligned);
    const target = targets.subarray(r * size * size, (r + 1) * size * size);
    fillTarget(target, masks[object]!, width, rows, columns);
  });
  return binary ? targets.map((covered) => covered >= 0.5 ? 1 : 0) : targets;
}

/** Weights of neighbouring pixels for a cell. */
interface Cell {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * The cells along one axis of a region: each is the mean of as many bilinear samples as it has
 * pixels, rounded up.
 */
function cellsOf(from: number, to: number, length: number, size: number, aligned: boolean): Cell[] {
  const start = aligned ? from - 0.5 : from;
  const extent = aligned ? to - from : Math.max(to - from, 1);
  const samples = Math.ceil(extent / size);
  const inside = (at: number) => Math.min(Math.max(at, 0), length - 1);
  return Array.from({ length: size }, (_, cell) => {
    const places = Array.from(
      { length: samples },
      (_, s) => start + (cell + (s + 0.5) / samples) * extent / size,
    ).filter((at) => at >= -1 && at <= length);
    if (places.length === 0) return { first: 0, weights: new Float64Array(0) };
    const first = Math.floor(inside(places[0]!));
    const last = Math.min(Math.floor(inside(places.at(-1)!)) + 1, length - 1);
    const weights = new Float64Array(last - first + 1);
    for (const at of places.map(inside)) {
      const below = Math.floor(at);
      weights[below - first]! += (below + 1 - at) / samples;
      if (at > below) weights[below + 1 - first]! += (at - below) / samples;
    }
    return { first, weights };
  });
}

function fillTarget(
  target: Float32Array,
  mask: Uint8Array,
  width: number,
  rows: readonly Cell[],
  columns: readonly Cell[],
): void {
  const left = Math.min(...columns.map(({ first }) => first));
  const right = Math.max(...columns.map(({ first, weights }) => first + weights.length));
  const band = new Float64Array(right - left);
  rows.forEach((row, i) => {
    band.fill(0);
    for (let y = 0; y < row.weights.length; y++) {
      const [start, weight] = [(row.first + y) * width + left, row.weights[y]!];
      for (let x = 0; x < band.length; x++) band[x]! += weight * mask[start + x]!;
    }
    for (let j = 0; j < columns.length; j++) {
      const { first, weights } = columns[j]!;
      let sum = 0;
      for (let x = 0; x < weights.length; x++) sum += weights[x]! * band[first - left + x]!;
      target[i * columns.length + j] = sum;
    }
  });
}
