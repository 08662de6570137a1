/** Turns polygons into masks, pixel for pixel as pycocotools does. */
import { checkSides, mergeRles, type Rle } from "./rle.ts";

const upscale = 5; // the boundary is traced on a grid five times as fine as the pixels

/**
 * Makes the mask of one polygon, given by its corners; the last is joined to the first. Parts
 * outside of the image are cut off.
 *
 * @param points `[x, y, x, y, …]`, in pixels from the left and top edge.
 * @throws {RangeError} If there are less than three points, or an odd number of values.
 */
export function polygonToRle(points: readonly number[], height: number, width: number): Rle {
  checkSides(height, width);
  if (points.length < 6 || points.length % 2 === 1) {
    throw new RangeError(
      `Cannot fill a polygon of ${points.length} values: need an x and a y for each of three points or more`,
    );
  }
  return fromCrossings(crossings(boundary(points), height, width), height, width);
}

/** Makes the mask of an object of one or more polygons: the union of their masks. */
export function polygonsToRle(
  polygons: readonly (readonly number[])[],
  height: number,
  width: number,
): Rle {
  return mergeRles(polygons.map((points) => polygonToRle(points, height, width)), "union");
}

/** Lists all grid points along the boundary, edge by edge. */
interface Boundary {
  readonly u: Int32Array;
  readonly v: Int32Array;
}

function boundary(points: readonly number[]): Boundary {
  const corners = points.length / 2;
  const grid = points.map((value) => Math.trunc(upscale * value + 0.5));
  const corner = (j: number) => [grid[2 * (j % corners)]!, grid[2 * (j % corners) + 1]!] as const;
  let total = 0;
  for (let j = 0; j < corners; j++) {
    const [[x0, y0], [x1, y1]] = [corner(j), corner(j + 1)];
    total += Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)) + 1;
  }
  const line = { u: new Int32Array(total), v: new Int32Array(total) };
  let at = 0;
  for (let j = 0; j < corners; j++) at = drawEdge(corner(j), corner(j + 1), line, at);
  return line;
}

/**
 * Writes the points of one edge, `from` to `to`, beginning at index `at`: one for each step along
 * the longer side.
 *
 * They are computed from the end with the smaller coordinate, so that an edge is the same in both
 * directions.
 *
 * @returns Index for the first point of the next edge.
 */
function drawEdge(
  from: readonly [number, number],
  to: readonly [number, number],
  { u, v }: Boundary,
  at: number,
): number {
  const [dx, dy] = [Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])];
  const flat = dx >= dy;
  const flip = flat ? from[0] > to[0] : from[1] > to[1];
  const [[xs, ys], [xe, ye]] = flip ? [to, from] : [from, to];
  const steps = Math.max(dx, dy);
  const slope = steps === 0 ? 0 : flat ? (ye - ys) / dx : (xe - xs) / dy;
  for (let d = 0; d <= steps; d++, at++) {
    const t = flip ? steps - d : d;
    u[at] = flat ? xs + t : Math.trunc(xs + slope * t + 0.5);
    v[at] = flat ? Math.trunc(ys + slope * t + 0.5) : ys + t;
  }
  return at;
}

/**
 * Finds where the boundary crosses the middle of a column of pixels. Positions count down the
 * columns; the last one is H · W.
 */
function crossings({ u, v }: Boundary, height: number, width: number): Uint32Array {
  const positions = new Uint32Array(u.length + 1);
  let count = 0;
  for (let j = 1; j < u.length; j++) {
    if (u[j] === u[j - 1]) continue;
    const x = (Math.min(u[j]!, u[j - 1]!) + 0.5) / upscale - 0.5;
    if (!Number.isInteger(x) || x < 0 || x > width - 1) continue;
    const y = (Math.min(v[j]!, v[j - 1]!) + 0.5) / upscale - 0.5;
    positions[count++] = x * height + Math.ceil(Math.min(Math.max(y, 0), height));
  }
  positions[count++] = height * width;
  return positions.subarray(0, count).sort();
}

/** Makes runs from the crossings; two crossings at one place cancel each other. */
function fromCrossings(at: Uint32Array, height: number, width: number): Rle {
  const counts = new Uint32Array(at.length);
  let [runs, last] = [0, 0];
  for (let i = 0; i < at.length; i++) {
    const run = at[i]! - last;
    last = at[i]!;
    if (run > 0 || i === 0) counts[runs++] = run;
    else if (++i < at.length) {
      counts[runs - 1]! += at[i]! - last;
      last = at[i]!;
    }
  }
  return { height, width, counts: counts.slice(0, runs) };
}
