/**
 * Draws as NumPy's older generator does, to take the same parts of a set as programs that call it.
 */

/** Draws `count` of `items` without repetition, as `numpy.random.choice(…, replace=False)`. */
export type Choose = <T>(items: readonly T[], count: number) => T[];

/**
 * NumPy's `numpy.random.seed(seed)` and what is drawn after it: a Mersenne twister (Matsumoto and
 * Nishimura 1998), and the shuffle of `RandomState.permutation`.
 */
export function numpyChoice(seed: number): Choose {
  const next = mersenneTwister(seed);
  /** An integer from 0 to `max`: draws are masked, and drawn again while they are too large. */
  const upTo = (max: number): number => {
    const mask = 2 ** (32 - Math.clz32(max)) - 1;
    for (;;) {
      const value = (next() & mask) >>> 0;
      if (value <= max) return value;
    }
  };
  return (items, count) => {
    const order = [...items];
    for (let i = order.length - 1; i > 0; i--) {
      const j = upTo(i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order.slice(0, count);
  };
}

const [words, shift] = [624, 397];

/** Draws integers of 32 bits. */
function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(words);
  state[0] = seed;
  for (let i = 1; i < words; i++) {
    const last = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(1812433253, last) + i;
  }
  let at = words;
  return () => {
    if (at === words) {
      twist(state);
      at = 0;
    }
    let word = state[at++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  };
}

/** Renews all words of the state. */
function twist(state: Uint32Array): void {
  for (let i = 0; i < words; i++) {
    const joined = (state[i]! & 0x80000000) | (state[(i + 1) % words]! & 0x7fffffff);
    const odd = joined & 1 ? 0x9908b0df : 0;
    state[i] = state[(i + shift) % words]! ^ (joined >>> 1) ^ odd;
  }
}
