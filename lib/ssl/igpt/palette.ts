/** The palette: the colours of images, by k-means. */
import type { Rng } from "lib/rng.ts";

const iterations = 20;

/**
 * The centres of clusters of colours (Chen et al. 2020, §3.2: k-means of pixel values). Lloyd's
 * iterations from centres drawn as in k-means++. The result depends on the colours and the stream
 * alone.
 *
 * @param colours `[n · 3]`, colour by colour.
 * @param count K. Where there are fewer different colours, some centres are equal.
 * @returns `[K · 3]`
 * @throws {RangeError} If there is no colour.
 */
export function kMeansPalette(colours: Float32Array, count: number, rng: Rng): Float32Array {
  if (colours.length === 0) throw new RangeError("Cannot find a palette: there is no colour");
  const centres = firstCentres(colours, count, rng);
  for (let i = 0; i < iterations; i++) moveCentres(colours, centres);
  return centres;
}

/**
 * The first centres: each is a colour drawn with a probability in proportion to its squared distance
 * from the centres before it.
 */
function firstCentres(colours: Float32Array, count: number, rng: Rng): Float32Array {
  const n = colours.length / 3;
  const centres = new Float32Array(3 * count);
  const nearest = new Float64Array(n).fill(Infinity);
  let chosen = rng.int(n);
  for (let k = 0; k < count; k++) {
    centres.set(colours.subarray(3 * chosen, 3 * chosen + 3), 3 * k);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      nearest[i] = Math.min(nearest[i]!, squaredDistance(colours, i, centres, k));
      sum += nearest[i]!;
    }
    let rest = rng.uniform(0, sum);
    chosen = 0;
    while (chosen < n - 1 && (rest -= nearest[chosen]!) >= 0) chosen++;
  }
  return centres;
}

/** Moves each centre to the mean of the colours that are nearest to it; an idle one stays. */
function moveCentres(colours: Float32Array, centres: Float32Array): void {
  const count = centres.length / 3;
  const [sums, sizes] = [new Float64Array(3 * count), new Float64Array(count)];
  for (let i = 0; i < colours.length / 3; i++) {
    let [best, least] = [0, Infinity];
    for (let k = 0; k < count; k++) {
      const distance = squaredDistance(colours, i, centres, k);
      if (distance < least) [best, least] = [k, distance];
    }
    for (let c = 0; c < 3; c++) sums[3 * best + c]! += colours[3 * i + c]!;
    sizes[best]!++;
  }
  centres.forEach((_, j) => {
    const size = sizes[Math.floor(j / 3)]!;
    if (size > 0) centres[j] = sums[j]! / size;
  });
}

function squaredDistance(a: Float32Array, i: number, b: Float32Array, k: number): number {
  const [x, y, z] = [
    a[3 * i]! - b[3 * k]!,
    a[3 * i + 1]! - b[3 * k + 1]!,
    a[3 * i + 2]! - b[3 * k + 2]!,
  ];
  return x * x + y * y + z * z;
}
