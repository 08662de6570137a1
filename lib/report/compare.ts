/** The paper's numbers beside ours. */
import { confidenceInterval, meanAndError } from "lib/eval/statistics.ts";
import { show } from "lib/report/kernel.ts";
import { showTable } from "lib/report/save_table.ts";
import { tableOf } from "lib/report/table_formats.ts";

/** One thing that was measured. Fractions. */
export interface Measurement {
  readonly what: string;
  /** As printed, if it was. */
  readonly paper?: number;
  /** Where it is printed: `Table 3`. */
  readonly source?: string;
  /** One value for each seed. */
  readonly ours: readonly number[];
  readonly scale: string;
  readonly seeds: readonly number[];
  /** Ids of the runs, folders in `outputs/`. */
  readonly runs: readonly string[];
}

export type Verdict = "agrees" | "disagrees" | "too small to tell";

const tellingWidth = 0.05; // a fraction: an interval wider than ± 5 points agrees with nearly anything

/**
 * Whether the seeds contradict a printed number: it is held against the two-sided 95 % interval of our mean, by
 * Student's t over seeds. Outside: disagrees. Inside: agrees, unless the interval is wider than ± 5 points.
 *
 * Too small to tell also with fewer than three seeds, and always at the scale `smoke`.
 */
export function verdict({ paper, ours, scale }: Measurement): Verdict | undefined {
  if (paper === undefined) return undefined;
  if (scale === "smoke" || ours.length < 3) return "too small to tell";
  const [low, high] = confidenceInterval(meanAndError(ours));
  if (paper < low || paper > high) return "disagrees";
  return high - low > 2 * tellingWidth ? "too small to tell" : "agrees";
}

/**
 * Shows a table of measurements, each with the paper's number, and how the verdict was reached.
 *
 * @returns The rows as shown, for `saveTable`; percent.
 * @throws {RangeError} If a measurement has no value, a value is not a fraction, or seeds and values differ in number.
 */
export async function compare(measurements: readonly Measurement[]): Promise<object[]> {
  const rows = measurements.map(compareRow);
  await showTable(tableOf(rows));
  const test = "Verdict: the paper's number against the two-sided 95 % t-interval of our seeds; " +
    "too small to tell with fewer than 3 seeds, at smoke scale, or beyond ± 5 points.";
  await show({ "text/markdown": test, "text/plain": test });
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
