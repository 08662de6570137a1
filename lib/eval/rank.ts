/** Where a class stands among its rivals. */

/**
 * How many classes come before this one: those with a larger score, and of equal scores those with a lower number. A score that
 * is not a number comes last.
 */
export function rankOf(scores: Float32Array | Float64Array, label: number): number {
  const own = scores[label]!;
  if (Number.isNaN(own)) return scores.length;
  let rank = 0;
  for (let c = 0; c < scores.length; c++) {
    if (scores[c]! > own || (scores[c] === own && c < label)) rank++;
  }
  return rank;
}
