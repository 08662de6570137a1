/** Spearman's rank correlation: whether two measures put things in the same order. */
import { meanAndError, upperTail } from "./statistics.ts";

/** How far two orders of n things agree, and how sure that is. */
export interface RankCorrelation {
  /** Number of things. */
  readonly n: number;
  /**
   * Spearman's ρ, from −1 (reversed) to 1 (the same order); equal values share their mean rank. NaN
   * if one measure is the same for all things.
   */
  readonly rho: number;
  /**
   * Two-sided: how often orders that have nothing to do with each other would agree or disagree so
   * far. Exact for n up to 8, from all permutations; above, by Student's t with n − 2 degrees of
   * freedom. NaN where ρ is.
   */
  readonly pValue: number;
  /**
   * Interval of 95 % by Fisher's z with the standard error √((1 + ρ²/2) / (n − 3)) (Bonett and
   * Wright 2000). A perfect order has no error by that formula; its other end is that of an order
   * in which two neighbours are swapped. From −1 to 1 where n is 3 or less, or ρ is NaN.
   */
  readonly interval: readonly [number, number];
}

const exactUpTo = 8; // 40,320 permutations

/**
 * Spearman's ρ of two measures of the same things, in the same order.
 *
 * @throws {RangeError} If the measures differ in number, there are fewer than two things, or a
 *   value is not finite.
 */
export function spearman(a: readonly number[], b: readonly number[]): RankCorrelation {
  const n = a.length;
  if (n !== b.length || n < 2) {
    throw new RangeError(
      `Cannot compare orders: need as many values on both sides, 2 or more, got ${n} and ${b.length}`,
    );
  }
  const wrong = [...a, ...b].find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new RangeError(`Cannot compare orders: one value is ${wrong}`);
  const [x, y] = [ranks(a), ranks(b)];
  const rho = pearson(x, y);
  return { n, rho, pValue: pValueOf(rho, x, y), interval: intervalOf(rho, n) };
}

/** The rank of each value, from 1; equal values share the mean of their ranks. */
export function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function pearson(x: readonly number[], y: readonly number[]): number {
  const [meanX, meanY] = [meanAndError(x).mean, meanAndError(y).mean];
  let [xx, xy, yy] = [0, 0, 0];
  x.forEach((value, i) => {
    const [dx, dy] = [value - meanX, y[i]! - meanY];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  });
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))); // rounding may go past 1
}

function pValueOf(rho: number, x: readonly number[], y: readonly number[]): number {
  const n = x.length;
  if (Number.isNaN(rho)) return NaN;
  if (n > exactUpTo) {
    const t = Math.abs(rho) * Math.sqrt((n - 2) / (1 - rho * rho));
    return 2 * upperTail(t, n - 2);
  }
  let [count, above, below] = [0, 0, 0];
  for (const order of permutations(y)) {
    const other = pearson(x, order);
    count++;
    above += Number(other >= rho - 1e-12); // sums in another order round otherwise
    below += Number(other <= rho + 1e-12);
  }
  return Math.min(1, 2 * Math.min(above, below) / count);
}

/** All orders of some values (Heap's algorithm); the array that it yields is the same each time. */
function* permutations(values: readonly number[]): Generator<readonly number[]> {
  const order = [...values];
  const swaps = order.map(() => 0);
  yield order;
  for (let i = 0; i < order.length;) {
    if (swaps[i]! >= i) {
      swaps[i++] = 0;
      continue;
    }
    const from = i % 2 === 0 ? 0 : swaps[i]!;
    [order[from], order[i]] = [order[i]!, order[from]!];
    yield order;
    swaps[i]!++;
    i = 0;
  }
}

const normalQuantile = 1.959963984540054; // 97.5 %

function intervalOf(rho: number, n: number): readonly [number, number] {
  if (n <= 3 || Number.isNaN(rho)) return [-1, 1];
  const swapped = 1 - 12 / (n * (n * n - 1));
  const inside = Math.max(-swapped, Math.min(swapped, rho));
  const half = normalQuantile * Math.sqrt((1 + inside * inside / 2) / (n - 3));
  const [low, high] = [-half, half].map((step) => Math.tanh(Math.atanh(inside) + step));
  return [rho < -swapped ? -1 : low!, rho > swapped ? 1 : high!];
}
