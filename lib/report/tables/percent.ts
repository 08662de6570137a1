/** Fractions as the percentages that tables and figures show. */

/**
 * A fraction in percent, to ten digits, since multiplying by 100 adds digits that were not
 * measured. `undefined` stays `undefined`.
 */
export function percent(share: number): number;
export function percent(share: number | undefined): number | undefined;
export function percent(share: number | undefined): number | undefined {
  return share === undefined ? undefined : Number((100 * share).toFixed(10));
}

/** A fraction in percent with as many decimals as the paper prints; an empty cell stays empty. */
export function printedPercent(share: number | null, decimals: number): string | null {
  return share === null ? null : (100 * share).toFixed(decimals);
}
