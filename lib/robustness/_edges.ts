/** Canny's edges (1986), as OpenCV finds them: Sobel's slopes of 3 × 3 pixels, their sum as strength, two thresholds. */
import { borderIndex } from "lib/robustness/_rows.ts";

/** Slopes of a plane, and how steep it is: `[height, width]` each. */
interface Slopes {
  readonly across: Int16Array;
  readonly down: Int16Array;
  readonly steep: Int32Array;
}

/**
 * @param plane `[height, width]`
 * @param weak Steepness above which a ridge that touches an edge is one.
 * @param strong Above which any ridge is one.
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
  for (let p = 0; p < plane.length; p++) {
    if (slopes.steep[p]! <= weak || !isRidge(slopes, p, width, height)) continue;
    ridge[p] = 1;
    if (slopes.steep[p]! > strong) stack.push(p);
  }
  const out = new Uint8Array(plane.length);
  while (stack.length > 0) {
    const p = stack.pop()!;
    if (out[p]) continue;
    out[p] = 1;
    const [x, y] = [p % width, Math.floor(p / width)];
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
    steep: new Int32Array(plane.length),
  };
  for (let y = 0, p = 0; y < height; y++) {
    const [above, row, below] = [y - 1, y, y + 1].map((v) =>
      borderIndex(v, height, "nearest") * width
    ) as [number, number, number];
    for (let x = 0; x < width; x++, p++) {
      const left = x === 0 ? 0 : x - 1;
      const right = x === width - 1 ? x : x + 1;
      const falling = plane[below + right]! - plane[above + left]!;
      const rising = plane[above + right]! - plane[below + left]!;
      const across = falling + rising + 2 * (plane[row + right]! - plane[row + left]!);
      const down = falling - rising + 2 * (plane[below + x]! - plane[above + x]!);
      slopes.across[p] = across;
      slopes.down[p] = down;
      slopes.steep[p] = Math.abs(across) + Math.abs(down);
    }
  }
  return slopes;
}

const tan22 = Math.SQRT2 - 1;

/** Whether the plane is steepest here along its slope, which is taken as one of four directions. */
function isRidge(slopes: Slopes, p: number, width: number, height: number): boolean {
  const { across, down, steep } = slopes;
  const [x, y] = [p % width, Math.floor(p / width)];
  const at = (u: number, v: number) =>
    u < 0 || v < 0 || u >= width || v >= height ? 0 : steep[v * width + u]!;
  const [sx, sy] = [Math.abs(across[p]!), Math.abs(down[p]!)];
  const here = steep[p]!;
  if (sy < sx * tan22) return here > at(x - 1, y) && here >= at(x + 1, y);
  if (sy > sx * (tan22 + 2)) return here > at(x, y - 1) && here >= at(x, y + 1);
  const side = across[p]! < 0 !== down[p]! < 0 ? -1 : 1;
  return here > at(x - side, y - 1) && here > at(x + side, y + 1);
}
