/**
 * The k largest of a stream of values, for each of many queries. `tf.topk` would sort every block:
 * with k = 200 that takes as long as the products, while here most values of later blocks need one
 * comparison.
 */

/**
 * The nearest rows of each query, nearest first; where cosines are equal, the lower row comes
 * first. M queries.
 */
export interface Neighbours {
  readonly k: number;
  readonly indices: Int32Array; // [M, k], rows of the bank
  readonly similarities: Float32Array; // [M, k], cosines
}

/**
 * One heap per query with its k best values so far. The worst is on top: the smallest value, and
 * among equal values the one with the highest index. Values arrive in the order of their indices,
 * so a value equal to the worst is never better.
 */
export class NearestSoFar {
  readonly #k: number;
  readonly #values: Float32Array; // [queries, k]
  readonly #indices: Int32Array; // [queries, k]
  readonly #seen: Int32Array; // [queries], values kept, up to k

  constructor(queries: number, k: number) {
    this.#k = k;
    this.#values = new Float32Array(queries * k);
    this.#indices = new Int32Array(queries * k);
    this.#seen = new Int32Array(queries);
  }

  /**
   * Offers `count` values of a query, `values[from …]`, whose indices count up from `index`.
   *
   * @throws {RangeError} If a value is NaN, which is a cosine of features that are not finite.
   */
  offer(query: number, values: Float32Array, from: number, count: number, index: number): void {
    const base = query * this.#k;
    let i = 0;
    for (; i < count && this.#seen[query]! < this.#k; i++) {
      this.#append(query, values[from + i]!, index + i);
    }
    let worst = this.#values[base]!;
    for (; i < count; i++) {
      const value = values[from + i]!;
      if (value <= worst) continue; // false for NaN, which is refused below
      if (value !== value) throw notANumber(query, index + i);
      this.#sink(base, 0, this.#k, value, index + i);
      worst = this.#values[base]!;
    }
  }

  /** Adds a value at the end of the heap, and lets it rise to its place. */
  #append(query: number, value: number, index: number): void {
    if (value !== value) throw notANumber(query, index);
    const base = query * this.#k;
    let at = this.#seen[query]!++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isWorse(value, index, base + above)) break;
      this.#move(base + above, base + at);
      at = above;
    }
    this.#put(base + at, value, index);
  }

  /**
   * Puts a value at the free place `at` of a heap of `size` entries, or below it: worse values
   * rise.
   */
  #sink(base: number, at: number, size: number, value: number, index: number): void {
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      const other = base + child + 1;
      if (
        child + 1 < size &&
        this.#isWorse(this.#values[other]!, this.#indices[other]!, base + child)
      ) child++;
      if (this.#isWorse(value, index, base + child)) break;
      this.#move(base + child, base + at);
      at = child;
    }
    this.#put(base + at, value, index);
  }

  #isWorse(value: number, index: number, than: number): boolean {
    const other = this.#values[than]!;
    return value < other || (value === other && index > this.#indices[than]!);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#values[from]!, this.#indices[from]!);
  }

  #put(at: number, value: number, index: number): void {
    this.#values[at] = value;
    this.#indices[at] = index;
  }

  /**
   * Returns the neighbours, best first. It sorts the heaps in place, so no value can be offered
   * afterwards.
   */
  sorted(): Neighbours {
    const [k, values, indices] = [this.#k, this.#values, this.#indices];
    for (let base = 0; base < values.length; base += k) {
      for (let size = k - 1; size > 0; size--) { // the worst of those left goes to the end
        const [value, index] = [values[base + size]!, indices[base + size]!];
        this.#move(base, base + size);
        this.#sink(base, 0, size, value, index);
      }
    }
    return { k, indices, similarities: values };
  }
}

function notANumber(query: number, index: number): RangeError {
  return new RangeError(
    `Cannot rank the neighbours of test image ${query}: its cosine with training image ${index} is NaN`,
  );
}
