/** RankMe, and the measure of rank that LiDAR shares with it. */

/** RankMe's ε, which the paper chooses for features in float32 (Garrido et al. 2023, Eq. (1)). */
const epsilon = 1e-7;

/**
 * The effective rank of a spectrum, with all K values of which some may be 0: exp(−Σ pₖ ln pₖ) with
 * pₖ = λₖ / Σλ + ε (Garrido et al. 2023, Eq. (1); Roy and Vetterli 2007 without the ε).
 *
 * It is K for K equal values, and r (up to the ε) for r equal values among zeros.
 *
 * @param spectrum `[K]`, not negative, in any order.
 * @returns From 1 to K; 0 if all values are 0, the rank of a matrix of zeros.
 */
export function effectiveRank(spectrum: ArrayLike<number>): number {
  const values = Array.from(spectrum);
  const sum = values.reduce((sum, value) => sum + value, 0);
  if (sum === 0) return 0;
  const entropy = values.reduce((entropy, value) => {
    const share = value / sum + epsilon;
    return entropy - share * Math.log(share);
  }, 0);
  return Math.exp(entropy);
}

/**
 * RankMe of features `[N, D]`: the effective rank of their singular values (Garrido et al. 2023,
 * Eq. (1)). The features are not centred. Higher is better.
 *
 * @param squares `[min(N, D)]`, the squares of the singular values.
 */
export function rankMe(squares: Float64Array): number {
  return effectiveRank(squares.map(Math.sqrt));
}
