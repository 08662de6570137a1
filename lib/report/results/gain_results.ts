/** Results of `kernelGains`: a table, and whether large kernels gain, tested. */
import type { KernelGain } from "lib/experiments/mod.ts";
import { exceeds } from "lib/stats/verdicts.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { percent } from "lib/report/tables/percent.ts";
import { originColumns } from "lib/report/tables/origin_columns.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";
import type { GainScore } from "lib/report/figures/gain_figure.ts";
import { metricTitles } from "./ablation.ts";
import {
  aboveClaim,
  differencesOf,
  sharedSeeds,
  type TestedClaim,
  testedClaim,
} from "./tested_claim.ts";

/**
 * One row for each setting: sides of the kernels over the side of the deep map, the small kernel's
 * accuracy in percent, and the gain of the large one in points, with its standard error over seeds.
 */
export function gainTable(gains: readonly KernelGain[]): Table {
  const rows = gains.map(({ axis, name, mapSide, steps, small, large, knn, linear, seeds }) => {
    const [byKnn, byLinear] = [knn, linear].map((values) => meanAndError(values));
    const share = (kernelSize = 0) => (kernelSize / mapSide).toFixed(2);
    return {
      axis,
      setting: name,
      "kernel : map": `${share(small.kernelSize)} → ${share(large.kernelSize)}`,
      steps,
      "k-NN, small (%)": percent(meanAndError(small.knn).mean),
      "gain in k-NN (points)": percent(byKnn!.mean),
      "gain in k-NN ± s.e.": percent(byKnn!.standardError),
      "linear, small (%)": percent(meanAndError(small.linear).mean),
      "gain in linear (points)": percent(byLinear!.mean),
      "gain in linear ± s.e.": percent(byLinear!.standardError),
      ...originColumns({ ...small, seeds, runs: [...small.runs, ...large.runs] }),
    };
  });
  return tableOf(rows);
}

/**
 * Tests the gains of settings that were declared before their seeds were run, for `verdicts`. In
 * every setting: that the large kernel is better. In every setting but the first, the base: that
 * its gain is above that of the base. Paired t-tests over the seeds.
 *
 * @param gains The base first.
 * @throws {RangeError} If there is no setting, or two to compare share no seed.
 */
export function gainClaims(gains: readonly KernelGain[], score: GainScore): TestedClaim[] {
  const [base, ...others] = gains;
  if (base === undefined) throw new RangeError("Cannot test gains: there is no setting");
  const source = `ours, ${metricTitles[score]}, fresh seeds`;
  const values = (result: KernelGain["small"]) => result[score];
  const sidesOf = ({ small, large }: KernelGain) => ({ above: [large], below: [small] });
  const better = gains.map((gain) => {
    const { small, large } = gain;
    const [less, more] = [small.paper[score], large.paper[score]];
    const printed = less === undefined || more === undefined ? null : more - less;
    const says = `${gain.name}: ${large.name} is above ${small.name}`;
    return aboveClaim({ says, source, quoted: null, printed }, sidesOf(gain), values);
  });
  const more = others.map((gain) => {
    const arms = [gain.large, gain.small, base.large, base.small];
    const seeds = sharedSeeds(arms);
    const [here, there] = [gain, base].map((of) => differencesOf(sidesOf(of), values, seeds));
    const says = `${gain.name}: the gain is larger than in the base, ${base.name}`;
    const claim = { says, source, quoted: null, printed: null };
    return testedClaim(claim, exceeds(here!, there!), arms);
  });
  return [...better, ...more];
}
