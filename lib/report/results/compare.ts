/** The paper's numbers beside ours. */
import { confidenceInterval, meanAndError } from "lib/stats/statistics.ts";
import type { Verdict } from "lib/stats/verdicts.ts";
import { showTable } from "lib/report/save/save_table.ts";
import { tableOf } from "lib/report/tables/table_formats.ts";

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
