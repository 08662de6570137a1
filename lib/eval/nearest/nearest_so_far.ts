/**
 * The k largest of a stream of values for each of many queries. tf.topk would sort each block anew: with k = 200 that takes
 * as long as the products, where most values of a later block need but one comparison.
 */

/** The nearest rows of each query, nearest first; of equal cosines, the lower row first. M queries. */
export interface Neighbours {
  readonly k: number;
  readonly indices: Int32Array; // [M, k], rows of the bank
  readonly similarities: Float32Array; // [M, k], cosines
}

/**
 * For each query a heap of its k best so far, the worst on top: smallest value, and of equal values the highest index. Values
 * come in the order of their indices, so one that equals the worst is never better.
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
   * Offers `count` values of a query, `values[from …]`, whose indices go up from `index`.
   *
   * @throws {RangeError} If one is not a number: a cosine with features that are not finite.
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
      if (value <= worst) continue; // false for NaN
      if (value !== value) throw notANumber(query, index + i);
      this.#sink(base, 0, this.#k, value, index + i);
      worst = this.#values[base]!;
    }
  }

  /** The heap's next place, from which the value rises. */
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

  /** Puts a value where the heap of `size` has place `at` free, or below: worse ones rise. */
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

  /** Best first. Sorts the heaps in place, so it ends the stream. */
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
