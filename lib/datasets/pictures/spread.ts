/** Chooses some images of a set: the same ones on every machine, spread over the whole set. */

/**
 * Chooses `count` of `total` things in a row, evenly spaced, so that a set in the order of its
 * classes keeps its large classes. If there are no more than `count`, all are chosen.
 *
 * @returns Their numbers, from 0, in order.
 */
export function evenIndices(total: number, count: number): number[] {
  const length = Math.min(total, count);
  return Array.from({ length }, (_, i) => count >= total ? i : Math.floor(i * total / count));
}

/**
 * Chooses `count` images as {@linkcode evenIndices} does, but class by class: each class keeps its
 * share of the set, and at least one image as long as `count` is not below the number of classes.
 *
 * @param labels `[N]`; images without a class (−1) count as one class.
 * @returns Their numbers, from 0, in the order of the set.
 */
export function evenIndicesByClass(labels: ArrayLike<number>, count: number): number[] {
  const total = labels.length;
  if (count >= total) return evenIndices(total, count);
  const classes = Map.groupBy(Array.from(labels, (_, index) => index), (index) => labels[index]!);
  const members = [...classes.values()];
  const shares = sharesOf(members.map(({ length }) => length), count);
  return members.flatMap((indices, i) =>
    evenIndices(indices.length, shares[i]!).map((place) => indices[place]!)
  ).sort((a, b) => a - b);
}

/**
 * Chooses images of some classes, class by class in the order of the names, spread evenly over each
 * class; a class that has fewer than `perClass` gives all it has.
 *
 * @param labels `[N]`, indices into `classNames`.
 * @returns Their numbers, from 0.
 * @throws {RangeError} If there is no such class, or it has no image.
 */
export function indicesOfClasses(
  { labels, classNames }: {
    readonly labels: ArrayLike<number>;
    readonly classNames: readonly string[];
  },
  names: readonly string[],
  perClass: number,
): number[] {
  return names.flatMap((name) => {
    const label = classNames.indexOf(name);
    const members = Array.from(labels, (_, i) => i).filter((i) => labels[i] === label);
    if (label < 0 || members.length === 0) {
      throw new RangeError(`Cannot choose images of "${name}": there are ${classNames.join(", ")}`);
    }
    return evenIndices(members.length, perClass).map((place) => members[place]!);
  });
}

/**
 * Splits `count` in proportion to sizes, by largest remainders. No part is 0 as long as there is
 * enough for all.
 */
function sharesOf(sizes: readonly number[], count: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const least = count >= sizes.length ? 1 : 0;
  const exact = sizes.map((size) => size * count / total);
  const shares = exact.map((share) => Math.max(least, Math.floor(share)));
  const remainder = (i: number) => exact[i]! - shares[i]!;
  const byRemainder = sizes.map((_, i) => i).sort((a, b) => remainder(b) - remainder(a) || a - b);
  let left = count - shares.reduce((sum, share) => sum + share, 0);
  for (const i of byRemainder.filter((i) => shares[i]! < sizes[i]!).slice(0, Math.max(left, 0))) {
    shares[i]!++;
    left--;
  }
  while (left < 0) { // small classes got more than their share; the largest classes get less for it
    shares[shares.indexOf(Math.max(...shares))]!--;
    left++;
  }
  return shares;
}
