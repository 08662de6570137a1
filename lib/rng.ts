/**
 * Named, seeded random streams. A stream depends only on the seed and on its path of names, so
 * adding a layer, a crop or an epoch changes no other stream, and a resumed run needs no saved
 * state of a generator.
 */

/** A stream of random numbers. Drawing advances it; forking does not. */
export interface Rng {
  /** The path of names from the root, for messages: `0/stages.0.1`. */
  readonly path: string;
  /** An independent stream, the same for every call with this name. */
  fork(name: string | number): Rng;
  /** Uniform in `[min, max)`. */
  uniform(min?: number, max?: number): number;
  /** Uniform integer in `[0, count)`. @throws {RangeError} If `count` is not a positive integer. */
  int(count: number): number;
  /** Gaussian with the given mean and standard deviation (Marsaglia's polar method). */
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

/**
 * A stream that returns the middle of every range at every call, for networks whose parameters are
 * counted and never trained: drawing initial values takes ten times as long as everything else.
 */
export function constantRng(): Rng {
  return constantStream;
}

const constantStream: Rng = {
  path: "constant",
  fork: () => constantStream,
  uniform: (min = 0, max = 1) => (min + max) / 2,
  int: () => 0,
  normal: (mean = 0) => mean,
  bernoulli: () => false,
  permutation: (count) => Uint32Array.from({ length: count }, (_, i) => i),
};

/** Whether every draw from a stream gives the same: it is that of {@linkcode constantRng}. */
export function isConstant(rng: Rng): boolean {
  return rng === constantStream;
}

function stream(path: string): Rng {
  const next = sfc32(path);
  let spare: number | undefined; // the polar method draws two at a time
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
      let x, y, square;
      do { // a point in the unit disc, in a third of the time of Box–Muller's sine and cosine
        x = next() / 0x8000_0000 - 1;
        y = next() / 0x8000_0000 - 1;
        square = x * x + y * y;
      } while (square >= 1 || square === 0);
      const stretch = Math.sqrt(-2 * Math.log(square) / square);
      spare = y * stretch;
      return mean + std * x * stretch;
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

/**
 * Chris Doty-Humphrey's sfc32 (PractRand), a 128-bit state that passes BigCrush, seeded by a hash
 * of the path.
 */
function sfc32(path: string): () => number {
  const bases = [0x9e3779b9, 0x243f6a88, 0xb7e15162];
  // An Int32Array and `| 0` are ten times as fast as variables, as V8 boxes numbers of more than 31
  // bits.
  const state = Int32Array.from([...bases.map((basis) => hash(path, basis)), 1]);
  const next = () => {
    const [a, b, c, counter] = [state[0]!, state[1]!, state[2]!, state[3]!];
    const out = ((a + b) | 0) + counter | 0;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + out;
    state[3] = counter + 1;
    return out >>> 0;
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
