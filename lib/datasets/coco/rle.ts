/**
 * Masks as run lengths, as COCO stores them: pixels are counted down the columns, one column after
 * the other, and runs of background and object alternate, background first. Every result equals
 * pycocotools' to the last byte. H × W pixels.
 */

/**
 * A box as COCO writes it: left, top, width, height in pixels; the first pixel reaches from 0 to 1.
 */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/** One mask. */
export interface Rle {
  /** H, in pixels. */
  readonly height: number;
  /** W, in pixels. */
  readonly width: number;
  /**
   * Lengths of the runs; the first is of background, 0 if the first pixel is of the object. They
   * add up to H · W.
   */
  readonly counts: Uint32Array;
}

/**
 * Checks the runs of a mask, and returns it.
 *
 * @throws {RangeError} If a side is not a positive integer, or the runs do not add up to H · W.
 */
export function checkRle(rle: Rle): Rle {
  const { height, width, counts } = rle;
  checkSides(height, width);
  const sum = counts.reduce((total, count) => total + count, 0);
  if (sum === height * width) return rle;
  throw new RangeError(
    `Cannot use a mask of ${width} × ${height} pixels: its runs add up to ${sum}, not ${
      height * width
    }`,
  );
}

/**
 * Checks the sides of a mask.
 *
 * @throws {RangeError} If a side is not a positive integer, or if there are more than 2^31 pixels.
 */
export function checkSides(height: number, width: number): void {
  const areIntegers = Number.isInteger(height) && Number.isInteger(width);
  if (areIntegers && height > 0 && width > 0 && height * width < 2 ** 31) return;
  throw new RangeError(`Cannot make a mask of ${width} × ${height} pixels: need 1 to 2^31 pixels`);
}

/**
 * Computes the runs of a mask.
 *
 * @param mask `[H, W]`, row by row; every value other than 0 belongs to the object.
 * @throws {RangeError} If the mask does not have H · W values.
 */
export function encodeMask(mask: Uint8Array, height: number, width: number): Rle {
  checkSides(height, width);
  if (mask.length !== height * width) {
    throw new RangeError(
      `Cannot encode a mask of ${width} × ${height} pixels from ${mask.length} values`,
    );
  }
  const counts = new Uint32Array(height * width + 1);
  let [runs, run, inside] = [0, 0, false];
  for (let x = 0; x < width; x++) {
    for (let at = x; at < mask.length; at += width) {
      if ((mask[at] !== 0) !== inside) {
        counts[runs++] = run;
        run = 0;
        inside = !inside;
      }
      run++;
    }
  }
  counts[runs++] = run;
  return { height, width, counts: counts.slice(0, runs) };
}

/**
 * Computes the pixels of a mask.
 *
 * @returns `[H, W]`, row by row: 1 on the object, else 0.
 * @throws {RangeError} If the runs do not add up to H · W.
 */
export function decodeMask(rle: Rle): Uint8Array {
  const { height, width, counts } = checkRle(rle);
  const mask = new Uint8Array(height * width);
  let [x, y, inside] = [0, 0, false];
  for (const count of counts) {
    for (let left = count; left > 0;) {
      const run = Math.min(left, height - y);
      if (inside) { for (let i = 0; i < run; i++) mask[(y + i) * width + x] = 1; }
      left -= run;
      y += run;
      if (y === height) [x, y] = [x + 1, 0];
    }
    inside = !inside;
  }
  return mask;
}

/** Number of pixels of the object. */
export function rleArea({ counts }: Rle): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i]!;
  return area;
}

/** The smallest box of whole pixels around the object; without an object, four zeros. */
export function rleBox({ height, counts }: Rle): CocoBox {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0]; // right and bottom are exclusive
  let start = 0;
  counts.forEach((count, i) => {
    if (i % 2 === 1 && count > 0) {
      const last = start + count - 1;
      const [first, final] = [Math.floor(start / height), Math.floor(last / height)];
      left = Math.min(left, first);
      right = Math.max(right, final + 1);
      top = Math.min(top, first < final ? 0 : start % height);
      bottom = Math.max(bottom, first < final ? height : last % height + 1);
    }
    start += count;
  });
  return right === 0 ? [0, 0, 0, 0] : [left, top, right - left, bottom - top];
}

/**
 * Computes the union or the intersection of masks.
 *
 * @throws {RangeError} If there is no mask, or if the masks differ in size.
 */
export function mergeRles(rles: readonly Rle[], how: "union" | "intersection"): Rle {
  if (rles.length === 0) throw new RangeError("Cannot merge masks: there is none");
  return rles.reduce((merged, rle) => mergeTwo(merged, rle, how === "intersection"));
}

function mergeTwo(a: Rle, b: Rle, both: boolean): Rle {
  // a run of the result can begin only where a run of a or b begins
  const counts = new Uint32Array(a.counts.length + b.counts.length);
  let [runs, run, inside] = [0, 0, false];
  walkTogether(a, b, (length, inA, inB) => {
    const now = both ? inA && inB : inA || inB;
    if (now !== inside) {
      counts[runs++] = run;
      run = 0;
      inside = now;
    }
    run += length;
  });
  counts[runs++] = run;
  return { ...a, counts: counts.slice(0, runs) };
}

/**
 * Calls `visit` for each stretch in which neither mask changes, in order.
 *
 * @throws {RangeError} If the masks differ in size.
 */
export function walkTogether(
  a: Rle,
  b: Rle,
  visit: (length: number, inA: boolean, inB: boolean) => void,
): void {
  if (a.height !== b.height || a.width !== b.width) {
    throw new RangeError(
      `Cannot compare masks: one is of ${a.width} × ${a.height} pixels, one of ${b.width} × ${b.height}`,
    );
  }
  let [i, j] = [0, 0];
  let [leftA, leftB] = [a.counts[0]!, b.counts[0]!];
  for (let left = a.height * a.width; left > 0;) {
    while (leftA === 0) leftA = a.counts[++i]!;
    while (leftB === 0) leftB = b.counts[++j]!;
    const length = Math.min(leftA, leftB);
    visit(length, i % 2 === 1, j % 2 === 1);
    leftA -= length;
    leftB -= length;
    left -= length;
  }
}
