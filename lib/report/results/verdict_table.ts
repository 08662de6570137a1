/** Claims that are tested together as a table: each with its verdict, alone and after Holm. */
import { decidingP, type HolmResult, holmVerdicts } from "lib/stats/holm.ts";
import type { Verdict } from "lib/stats/verdicts.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";
import type { TestedClaim } from "./tested_claim.ts";

/** How verdicts are reached, for the note under a table. */
export const verdictNote =
  "Effects in points. Verdict: agrees where the interval of our effect lies where the claim puts it " +
  "(above 0; for equality within the margin), disagrees where it lies on the other side, cannot " +
  "tell where it reaches across, with fewer than 3 seeds, at smoke scale, and where a network is too " +
  "near chance. Intervals are of 95 %, those of two one-sided tests of 90 %.";

/**
 * A table of claims that are tested together, each with the effect that the paper printed, ours,
 * and the verdict of a stated test; in percentage points. `p` and `verdict` are those of the single
 * test. `p (Holm)` and `after Holm` also count the other claims of the table: a verdict that does
 * not stand beside them becomes cannot tell.
 *
 * @throws {RangeError} If an effect, ours or printed, is not a difference of fractions, or the
 *   numbers of seeds and values differ.
 *
 * @example
 * ```ts
 * import { exceeds, saveTable, verdicts } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const finding = exceeds([0.73, 0.74, 0.735], [0.70, 0.71, 0.7]);
 * const claim = { claim: "BatchNorm helps", finding, scale: "laptop", seeds: [0, 1, 2], runs: [] };
 * const table = verdicts([claim]);
 * assertEquals(table.rows.length, 1);
 * await saveTable("claims", table);
 * ```
 */
export function verdicts(claims: readonly TestedClaim[]): Table {
  const afterHolm = holmVerdicts(claims.map(({ finding }) => finding));
  const rows = claims.map((claim, i) => verdictRow(claim, afterHolm[i]!));
  const counted = afterHolm.filter(({ pValue }) => !Number.isNaN(pValue)).length;
  return { ...tableOf(rows), notes: [verdictNote, holmNote(counted)] };
}

function holmNote(counted: number): string {
  const tests = counted === 1 ? "the one test" : `all ${counted} tests`;
  return "Among several tests one may err by chance. After Holm: the verdict that stands when " +
    `${tests} of this table are judged together by Holm's method; one that does not stand becomes ` +
    "cannot tell. p (Holm) is the smallest p times the number of tests, the next times one less, and " +
    "so on, and never below the one before it.";
}

/**
 * One row of {@linkcode verdicts}.
 *
 * @param holm What Holm's method leaves of the finding; by default, of the finding alone.
 */
export function verdictRow(
  tested: TestedClaim,
  holm: HolmResult = holmVerdicts([tested.finding])[0]!,
): object {
  const { claim, finding, scale, seeds, runs, nearChance } = tested;
  const { says, source, printed } = typeof claim === "string"
    ? { says: claim, source: "", printed: null }
    : claim;
  const { effect, interval, test } = finding;
  if (effect.n !== seeds.length) {
    throw new RangeError(
      `Cannot judge "${says}": need a value for each seed, got ${effect.n} for ${seeds.length}`,
    );
  }
  const wrong = [effect.mean, printed ?? 0].find((value) => !(Math.abs(value) <= 1));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot judge "${says}": need fractions, not percent; one is ${wrong}`);
  }
  return {
    claim: nearChance ? `${says} ${chanceNote(nearChance)}` : says,
    source,
    "paper (points)": printedPoints(printed),
    "ours (points)": 100 * effect.mean,
    "± s.e.": 100 * effect.standardError,
    interval: `${points(interval[0])} to ${points(interval[1])}`,
    n: effect.n,
    test,
    p: decidingP(finding),
    verdict: judged(finding.verdict, tested),
    "p (Holm)": holm.pValue,
    "after Holm": judged(holm.verdict, tested),
    scale,
    seeds: seeds.join(", "),
    runs: runs.join(", "),
  };
}

/**
 * A verdict as it is shown: runs at smoke scale are too short to tell anything, and networks near
 * chance know too little to be compared.
 */
export function judged(verdict: Verdict, { scale, nearChance = [] }: TestedClaim): Verdict {
  return scale === "smoke" || nearChance.length > 0 ? "cannot tell" : verdict;
}

/** What stands behind a claim that networks near chance cannot test. */
export function chanceNote(networks: readonly string[]): string {
  return `(means nothing: near chance are ${networks.join("; ")})`;
}

/** A printed effect in points, without the digits that only the subtraction makes. */
export function printedPoints(printed: number | null): number | undefined {
  return printed === null ? undefined : Number((100 * printed).toFixed(3));
}

/** A difference in points with its sign: `+1.25`, `−∞`. */
function points(share: number): string {
  const sign = share < 0 ? "−" : "+";
  return sign + (Number.isFinite(share) ? Math.abs(100 * share).toFixed(2) : "∞");
}
