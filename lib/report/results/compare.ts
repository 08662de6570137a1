/** The paper's numbers beside ours. */
import { confidenceInterval, meanAndError } from "lib/stats/statistics.ts";
import type { Verdict } from "lib/stats/verdicts.ts";
import { showTable } from "lib/report/save/save_table.ts";
import type { TestedClaim } from "./tested_claim.ts";
import { type Table, tableOf } from "lib/report/tables/table_formats.ts";

/** One quantity that was measured; fractions. */
export interface Measurement {
  /** What was measured: `BC-SSL, 9×9, k-NN`. */
  readonly what: string;
  /** The printed number, if there is one. */
  readonly paper?: number;
  /** Place in the paper: `Table 3`. */
  readonly source?: string;
  /** One value for each seed. */
  readonly ours: readonly number[];
  /** Name of the scale of the runs. */
  readonly scale: string;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
  /** Ids of the runs, folders in `outputs/`. */
  readonly runs: readonly string[];
}

// a fraction: nearly any number lies in an interval wider than ± 5 points
const tellingWidth = 0.05;

/**
 * Compares a printed number with the two-sided 95 % interval of our mean, by Student's t over
 * seeds. A number outside it disagrees; one inside agrees, unless the interval is wider than ± 5
 * points.
 *
 * It also cannot tell with fewer than three seeds, and at any scale but `paper`, where data are
 * others, on which the printed number is not expected. Claims hold across data: see
 * {@linkcode verdicts}.
 *
 * @example
 * ```ts
 * import { verdict } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const seeds = { scale: "paper", seeds: [0, 1, 2], runs: [] };
 * const measured = { what: "k-NN", ours: [0.755, 0.757, 0.758], ...seeds };
 * assertEquals(verdict({ ...measured, paper: 0.757 }), "agrees");
 * assertEquals(verdict({ ...measured, paper: 0.7 }), "disagrees");
 * ```
 */
export function verdict({ paper, ours, scale }: Measurement): Verdict | undefined {
  if (paper === undefined) return undefined;
  if (scale !== "paper" || ours.length < 3) return "cannot tell";
  const [low, high] = confidenceInterval(meanAndError(ours));
  if (paper < low || paper > high) return "disagrees";
  return high - low > 2 * tellingWidth ? "cannot tell" : "agrees";
}

/**
 * Shows a table of measurements, each with the paper's number, and how the verdict was reached.
 *
 * @returns The rows as shown, for `saveTable`; percent.
 * @throws {RangeError} If a measurement has no value, a value is not a fraction, or the numbers of
 *   seeds and values differ.
 *
 * @example
 * ```ts
 * import { compare } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const rows = await compare([{
 *   what: "BC-SSL, 9×9, k-NN",
 *   paper: 0.757,
 *   source: "Table 3",
 *   ours: [0.731, 0.733, 0.732],
 *   scale: "laptop",
 *   seeds: [0, 1, 2],
 *   runs: ["start-00000000", "start-11111111", "start-22222222"],
 * }]);
 * assertEquals((rows[0] as { verdict: string }).verdict, "cannot tell"); // not the paper's scale
 * ```
 */
export async function compare(measurements: readonly Measurement[]): Promise<object[]> {
  const rows = measurements.map(compareRow);
  const test = "Verdict: the paper's number against the two-sided 95 % t-interval of our seeds; " +
    "cannot tell with fewer than 3 seeds, beyond ± 5 points, or at a scale other than paper, " +
    "where the data are others.";
  await showTable({ ...tableOf(rows), notes: [test] });
  return rows;
}

/** One row of {@linkcode compare}. */
export function compareRow(measurement: Measurement): object {
  const { what, paper, source, ours, scale, seeds, runs } = measurement;
  if (ours.length !== seeds.length) {
    throw new RangeError(
      `Cannot compare "${what}": need a value for each seed, got ${ours.length} for ${seeds.length}`,
    );
  }
  const wrong = [paper ?? 0, ...ours].find((value) => !(value >= -1 && value <= 1));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot compare "${what}": need fractions, not percent; one is ${wrong}`);
  }
  const { mean, standardError, n } = meanAndError(ours);
  return {
    what,
    "paper (%)": paper === undefined ? undefined : Number((100 * paper).toFixed(4)),
    source: source ?? "",
    "ours (%)": 100 * mean,
    "± s.e.": 100 * standardError,
    n,
    scale,
    seeds: seeds.join(", "),
    verdict: verdict(measurement) ?? "",
    runs: runs.join(", "),
  };
}

/**
 * A table of claims, each with the effect that the paper printed, ours, and the verdict of a stated
 * test; in percentage points.
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
  const note =
    "Effects in points. Verdict: agrees where the interval of our effect lies where the " +
    "claim puts it (above 0; for equality within the margin), disagrees where it lies on the other " +
    "side, cannot tell where it reaches across, with fewer than 3 seeds, and at smoke scale. " +
    "Intervals are of 95 %, those of two one-sided tests of 90 %.";
  return { ...tableOf(claims.map(verdictRow)), notes: [note] };
}

/** One row of {@linkcode verdicts}. */
export function verdictRow({ claim, finding, scale, seeds, runs }: TestedClaim): object {
  const { says, source, printed } = typeof claim === "string"
    ? { says: claim, source: "", printed: undefined }
    : claim;
  const { effect, interval, pValue, test } = finding;
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
    claim: says,
    source,
    "paper (points)": typeof printed === "number" ? Number((100 * printed).toFixed(3)) : undefined,
    "ours (points)": 100 * effect.mean,
    "± s.e.": 100 * effect.standardError,
    interval: `${points(interval[0])} to ${points(interval[1])}`,
    p: pValue,
    n: effect.n,
    test,
    verdict: scale === "smoke" ? "cannot tell" : finding.verdict,
    scale,
    seeds: seeds.join(", "),
    runs: runs.join(", "),
  };
}

/** A difference in points with its sign: `+1.25`, `−∞`. */
function points(share: number): string {
  const sign = share < 0 ? "−" : "+";
  return sign + (Number.isFinite(share) ? Math.abs(100 * share).toFixed(2) : "∞");
}
