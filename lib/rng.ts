/**
 * Named, seeded random streams. A stream is a pure function of the seed and of the path of names that leads to it, so
 * adding a layer, a crop or an epoch moves no other stream, and a resumed run needs no saved generator state.
 */

/** A stream of random numbers. Drawing advances it; forking does not. */
export interface Rng {
  /** The path of names from the root, for messages: `0/stages.0.1`. */
  readonly path: string;
  /** An independent stream, the same whenever it is asked for by this name. */
  fork(name: string | number): Rng;
  /** Uniform in `[min, max)`. */
  uniform(min?: number, max?: number): number;
  /** Uniform integer in `[0, count)`. @throws {RangeError} If `count` is not a positive integer. */
  int(count: number): number;
  /** Gaussian with the given mean and standard deviation (Box–Muller). */
  normal(mean?: number, std?: number): number;
  /** True with probability `p`. */
  bernoulli(p: number): boolean;
  /** A uniform random order of `0 … count − 1` (Fisher–Yates). */
  permutation(count: number): Uint32Array;
}

/**
 * The root stream of a seed.
 *
 * @throws {RangeError} If the seed is not an integer.
 */
export function createRng(seed: number): Rng {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot seed a random stream: need an integer, current seed is ${seed}`);
  }
  return stream(String(seed));
}

function stream(path: string): Rng {
  const next = sfc32(path);
  let spare: number | undefined; // Box–Muller makes two at a time
  const rng: Rng = {
    path,
    fork: (name) => stream(`${path}/${name}`),
    uniform: (min = 0, max = 1) => min + (max - min) * (next() / 0x1_0000_0000),
    int: (count) => {
      if (!Number.isInteger(count) || count < 1) {
        throw new RangeError(`Cannot draw an integer below ${count}: need a positive integer`);
      }
      return Math.floor(next() / 0x1_0000_0000 * count);
    },
    normal: (mean = 0, std = 1) => {
      if (spare !== undefined) {
        const z = spare;
        spare = undefined;
        return mean + std * z;
      }
      const radius = Math.sqrt(-2 * Math.log((next() + 1) / 0x1_0000_0001)); // the argument is never 0
      const angle = 2 * Math.PI * next() / 0x1_0000_0000;
      spare = radius * Math.sin(angle);
      return mean + std * radius * Math.cos(angle);
    },
    bernoulli: (p) => next() < p * 0x1_0000_0000,
    permutation: (count) => {
      const order = Uint32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = rng.int(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    },
  };
  return rng;
}

/** Chris Doty-Humphrey's sfc32 (PractRand), a 128-bit state that passes BigCrush, seeded by a hash of the path. */
function sfc32(path: string): () => number {
  let [a, b, c] = [hash(path, 0x9e3779b9), hash(path, 0x243f6a88), hash(path, 0xb7e15162)];
  let counter = 1;
  const next = () => {
    const out = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + out) >>> 0;
    return out;
  };
  for (let i = 0; i < 12; i++) next(); // the author's warm-up: mixes the seed through the whole state
  return next;
}

/** FNV-1a over the UTF-16 code units, finished with Murmur3's avalanche. */
function hash(text: string, basis: number): number {
  let h = basis;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
