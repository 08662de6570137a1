/** α-ReQ: how fast the eigenvalues of the features' covariance fall off (Agrawal et al. 2022). */

/**
 * The ranks that the power law is fitted to, from 1: those of the authors' code
 * (`stringer_get_powerlaw` of `fastssl`, with `trange=np.arange(3, 100)`, where ranks begin at 0).
 */
export const fittedRanks = { first: 4, last: 100 } as const;

/**
 * α of the power law λⱼ ∝ j^−α that fits a spectrum best (Agrawal et al. 2022, §2): the slope of
 * ln λⱼ against −ln j by least squares with the weights 1/j, as in the authors' code. The paper
 * finds features good whose α is near 1; a larger α says that few directions hold all the variance.
 *
 * Ranks 4 to 100 count, or up to the last eigenvalue that is not 0: eigenvalues that are nothing
 * but rounding errors follow no law.
 *
 * @param spectrum Eigenvalues of the covariance, the largest first; their scale does not matter.
 * @returns NaN if fewer than two ranks count, as after a collapse.
 */
export function alphaReQ(
  spectrum: ArrayLike<number>,
  { first, last }: { readonly first: number; readonly last: number } = fittedRanks,
): number {
  const counted = Array.from(spectrum).slice(0, last);
  const end = counted.findIndex((value) => !(value > 0));
  const fitted = counted.slice(first - 1, end < 0 ? undefined : end);
  if (fitted.length < 2) return NaN;
  let [weights, x, y, xx, xy] = [0, 0, 0, 0, 0];
  fitted.forEach((value, i) => {
    const rank = first + i;
    const [weight, logRank, logValue] = [1 / rank, Math.log(rank), Math.log(value)];
    weights += weight;
    x += weight * logRank;
    y += weight * logValue;
    xx += weight * logRank * logRank;
    xy += weight * logRank * logValue;
  });
  return (x * y - weights * xy) / (weights * xx - x * x);
}
