/** Distance from the nearest of some pixels, by Borgefors's chamfer of 5 × 5 (1986), with OpenCV's three lengths. */

/** To a neighbour, a diagonal one, and one a knight's move away. */
const [straight, diagonal, knight] = [1, 1.4, 2.1969];

const beyond = 1e9;

/** `[dx, dy, length]` of the pixels that a pass from the top left has seen. */
const seen: readonly (readonly [number, number, number])[] = [
  [-1, -2, knight],
  [1, -2, knight],
  [-2, -1, knight],
  [-1, -1, diagonal],
  [0, -1, straight],
  [1, -1, diagonal],
  [2, -1, knight],
  [-1, 0, straight],
];

/** @param marked `[height, width]`, 1 where the distance is 0. @returns `[height, width]`, in pixels; a billion without any. */
export function distances(marked: Uint8Array, width: number, height: number): Float64Array {
  const stride = width + 4; // two pixels beyond every edge, which are far from everything
  const field = new Float64Array(stride * (height + 4)).fill(beyond);
  const steps = Int32Array.from(seen, ([dx, dy]) => dy * stride + dx);
  const lengths = Float64Array.from(seen, ([, , length]) => length);
  const start = 2 * stride + 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = start + y * stride; x < width; x++, at++) {
      field[at] = marked[y * width + x] ? 0 : nearest(field, at, steps, lengths, 1);
    }
  }
  const out = new Float64Array(width * height);
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1, at = start + y * stride + x; x >= 0; x--, at--) {
      field[at] = Math.min(field[at]!, nearest(field, at, steps, lengths, -1));
      out[y * width + x] = field[at]!;
    }
  }
  return out;
}

function nearest(
  field: Float64Array,
  at: number,
  steps: Int32Array,
  lengths: Float64Array,
  direction: 1 | -1,
): number {
  let least = beyond;
  for (let t = 0; t < 8; t++) {
    const length = field[at + direction * steps[t]!]! + lengths[t]!;
    if (length < least) least = length;
  }
  return least;
}
