/**
 * Canny's edge detector (1986) as in OpenCV: slopes by Sobel's 3 × 3 filters, their sum as
 * strength, two thresholds.
 */
import { borderIndex } from "lib/robustness/filters/rows.ts";

/**
 * Slopes of a plane, `[height, width]`, and their strength, `[height + 2, width + 2]`, which is 0
 * beyond the edges.
 */
interface Slopes {
  readonly across: Int16Array;
  readonly down: Int16Array;
  readonly steep: Int32Array;
}

/**
 * Finds edges.
 *
 * @param plane `[height, width]`
 * @param weak Strength above which a ridge counts if it touches an edge.
 * @param strong Strength above which any ridge counts.
 * @returns `[height, width]`, 1 on an edge.
 */
export function edges(
  plane: Uint8Array,
  width: number,
  height: number,
  weak: number,
  strong: number,
): Uint8Array {
  const slopes = slopesOf(plane, width, height);
  const ridge = new Uint8Array(plane.length);
  const stack: number[] = [];
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0, at = (y + 1) * (width + 2) + 1; x < width; x++, p++, at++) {
      const steep = slopes.steep[at]!;
      if (steep <= weak || !isRidge(slopes, p, at, width + 2)) continue;
      ridge[p] = 1;
      if (steep > strong) stack.push(p);
    }
  }
  return connected(ridge, stack, width, height);
}

/** Ridges that can be reached, pixel by pixel, from those on the stack, which it empties. */
function connected(ridge: Uint8Array, stack: number[], width: number, height: number): Uint8Array {
  const out = new Uint8Array(ridge.length);
  while (stack.length > 0) {
    const p = stack.pop()!;
    if (out[p]) continue;
    out[p] = 1;
    const x = p % width;
    const y = Math.floor(p / width);
    for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1); v++) {
      for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1); u++) {
        if (ridge[v * width + u] && !out[v * width + u]) stack.push(v * width + u);
      }
    }
  }
  return out;
}

function slopesOf(plane: Uint8Array, width: number, height: number): Slopes {
  const slopes = {
    across: new Int16Array(plane.length),
    down: new Int16Array(plane.length),
    steep: new Int32Array((width + 2) * (height + 2)),
  };
  for (let y = 0, p = 0; y < height; y++) {
    const above = borderIndex(y - 1, height, "nearest") * width;
    const below = borderIndex(y + 1, height, "nearest") * width;
    for (let x = 0, at = (y + 1) * (width + 2) + 1; x < width; x++, p++, at++) {
      const left = x === 0 ? 0 : x - 1;
      const right = x === width - 1 ? x : x + 1;
      const falling = plane[below + right]! - plane[above + left]!;
      const rising = plane[above + right]! - plane[below + left]!;
      const across = falling + rising + 2 * (plane[p - x + right]! - plane[p - x + left]!);
      const down = falling - rising + 2 * (plane[below + x]! - plane[above + x]!);
      slopes.across[p] = across;
      slopes.down[p] = down;
      slopes.steep[at] = Math.abs(across) + Math.abs(down);
    }
  }
  return slopes;
}

const tan22 = Math.SQRT2 - 1;

/**
 * Whether the plane is steepest here along its slope, which is rounded to one of four directions.
 *
 * @param p Index of the pixel.
 * @param at Its index in `steep`, whose rows are `stride` apart.
 */
function isRidge({ across, down, steep }: Slopes, p: number, at: number, stride: number): boolean {
  const sx = Math.abs(across[p]!);
  const sy = Math.abs(down[p]!);
  const here = steep[at]!;
  if (sy < sx * tan22) return here > steep[at - 1]! && here >= steep[at + 1]!;
  if (sy > sx * (tan22 + 2)) return here > steep[at - stride]! && here >= steep[at + stride]!;
  const side = across[p]! < 0 !== down[p]! < 0 ? -1 : 1;
  return here > steep[at - stride - side]! && here > steep[at + stride + side]!;
}
