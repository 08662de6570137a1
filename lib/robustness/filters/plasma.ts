/** Clouds by the diamond-square algorithm. */

/** Computes a new value from the sum of four neighbours: their mean plus a random offset. */
type Shake = (sum: number) => number;

/**
 * Generates a cloud whose opposite edges fit together.
 *
 * @param side S, a power of two.
 * @param decay Divisor of the random offset each time the grid is halved: a smaller one gives a
 *   rougher cloud.
 * @returns `[S, S]`, from 0 to 1.
 */
export function plasma(
  side: number,
  decay: number,
  uniform: (min: number, max: number) => number,
): Float64Array {
  const map = new Float64Array(side * side);
  let wibble = 100;
  for (let step = side; step >= 2; step /= 2) {
    const spread = wibble; // uniform in ±wibble, times wibble: the reference multiplies twice
    const shake: Shake = (sum) => sum / 4 + spread * uniform(-spread, spread);
    squares(map, side, step, shake);
    diamonds(map, side, step, shake);
    wibble /= decay;
  }
  return normalised(map);
}

/** Sets the middle of each square from its corners. */
function squares(map: Float64Array, side: number, step: number, shake: Shake): void {
  const half = step / 2;
  for (let y = 0; y < side; y += step) {
    const [upper, lower] = [y * side, (y + step) % side * side];
    for (let x = 0; x < side; x += step) {
      const right = (x + step) % side;
      const sum = map[upper + x]! + map[lower + x]! + map[upper + right]! + map[lower + right]!;
      map[upper + half * side + x + half] = shake(sum);
    }
  }
}

/** Sets the middles of the squares' upper edges, then of their left ones. */
function diamonds(map: Float64Array, side: number, step: number, shake: Shake): void {
  const half = step / 2;
  for (let y = 0; y < side; y += step) {
    const [row, above, below] = [y, (y - half + side) % side, y + half].map((at) => at * side) as [
      number,
      number,
      number,
    ];
    for (let x = 0; x < side; x += step) {
      const [middle, right] = [x + half, (x + step) % side];
      const sum = map[below + middle]! + map[above + middle]! + map[row + x]! + map[row + right]!;
      map[row + middle] = shake(sum);
    }
  }
  for (let y = 0; y < side; y += step) {
    const [upper, row, lower] = [y, y + half, (y + step) % side].map((at) => at * side) as [
      number,
      number,
      number,
    ];
    for (let x = 0; x < side; x += step) {
      const left = (x - half + side) % side;
      const sum = map[row + x + half]! + map[row + left]! + map[upper + x]! + map[lower + x]!;
      map[row + x] = shake(sum);
    }
  }
}

function normalised(map: Float64Array): Float64Array {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < map.length; i++) {
    if (map[i]! < least) least = map[i]!;
    if (map[i]! > most) most = map[i]!;
  }
  for (let i = 0; i < map.length; i++) map[i] = (map[i]! - least) / (most - least);
  return map;
}
