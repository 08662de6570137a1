/** Turns measurements into rows of a table. */
import {
  type AugmentCase,
  type BenchCase,
  type CorruptionCase,
  type InferenceCase,
} from "./cases.ts";
import { flopsOf } from "./flops.ts";
import { quietLoad } from "./machine.ts";
import type { Peaks } from "./peak.ts";
import { median, type Outcome } from "./rounds.ts";

/** One case, and the measurements of every contender in it. */
export interface Measured {
  readonly subject: BenchCase;
  readonly outcomes: readonly Outcome[];
}

/** One row of the table; a value that was not measured, or does not apply, is undefined. */
export interface PeerRow {
  readonly case: string;
  readonly "ours (ms)": number | undefined;
  readonly "ours bf16 (ms)": number | undefined;
  readonly "eager (ms)": number | undefined;
  readonly "compile (ms)": number | undefined;
  readonly "bf16 (ms)": number | undefined;
  /** PyTorch's best time in fp32, divided by ours. */
  readonly "times as fast": number | undefined;
  /** PyTorch's time in bf16, divided by ours in fp32. */
  readonly "times bf16": number | undefined;
  /** PyTorch's time in bf16, divided by ours in bf16. */
  readonly "bf16 times bf16": number | undefined;
  /** PyTorch's best time in any precision, divided by our best in any. */
  readonly "best : best": number | undefined;
  readonly "ours (GFLOP/s)": number | undefined;
  readonly "PyTorch (GFLOP/s)": number | undefined;
  /** In fp32, of the peak in fp32. */
  readonly "ours (% of peak)": number | undefined;
  readonly "PyTorch (% of peak)": number | undefined;
  /** In bf16, of the peak in bf16. */
  readonly "ours bf16 (% of peak)": number | undefined;
  readonly "PyTorch bf16 (% of peak)": number | undefined;
  readonly "ours (images/s)": number | undefined;
  readonly "ours (MB)": number | undefined;
  /** Peak memory of PyTorch's fastest fp32 mode. */
  readonly "PyTorch (MB)": number | undefined;
  readonly "ours (faults)": number | undefined;
  readonly "PyTorch (faults)": number | undefined;
  readonly ops: number | undefined;
  readonly "µs an op": number | undefined;
}

/** PyTorch's modes that compute in fp32; we compare with the fastest. */
export const fp32Ways = ["eager", "compile"] as const;

/** @param peaks Of the machine; empty if they could not be measured. */
export function rowOf({ subject, outcomes }: Measured, peaks: Peaks): PeerRow {
  const named = (name: string) => outcomes.find(({ contender }) => contender === name);
  const ours = named("ours");
  const best = fastest(fp32Ways.map(named));
  const [time, bestTime, bf16Time] = [seconds(ours), seconds(best), seconds(named("bf16"))];
  const oursBf16 = seconds(named("ours bf16"));
  const rate = (time: number | undefined) => over(flopsOf(subject), time);
  // the depthwise cases share their processes, so a peak of memory would be the largest case's
  const hasOwnProcess = subject.kind !== "depthwise";
  return {
    case: subject.name,
    "ours (ms)": milli(time),
    "ours bf16 (ms)": milli(oursBf16),
    "eager (ms)": milli(seconds(named("eager"))),
    "compile (ms)": milli(seconds(named("compile"))),
    "bf16 (ms)": milli(bf16Time),
    "times as fast": over(bestTime, time),
    "times bf16": over(bf16Time, time),
    "bf16 times bf16": over(bf16Time, oursBf16),
    "best : best": over(least(bestTime, bf16Time), least(time, oursBf16)),
    "ours (GFLOP/s)": scaled(rate(time), 1e-9),
    "PyTorch (GFLOP/s)": scaled(rate(bestTime), 1e-9),
    "ours (% of peak)": scaled(over(rate(time), peaks.fp32), 100),
    "PyTorch (% of peak)": scaled(over(rate(bestTime), peaks.fp32), 100),
    "ours bf16 (% of peak)": scaled(over(rate(oursBf16), peaks.bf16), 100),
    "PyTorch bf16 (% of peak)": scaled(over(rate(bf16Time), peaks.bf16), 100),
    "ours (images/s)": hasImages(subject) ? over(subject.batch, time) : undefined,
    "ours (MB)": hasOwnProcess ? scaled(ours?.peakBytes ?? undefined, 1e-6) : undefined,
    "PyTorch (MB)": hasOwnProcess ? scaled(best?.peakBytes ?? undefined, 1e-6) : undefined,
    "ours (faults)": finite(ours?.faults),
    "PyTorch (faults)": finite(best?.faults),
    ops: hasOwnProcess ? ours?.notes["ops"] : undefined,
    "µs an op": hasOwnProcess ? ours?.notes["µs an op"] : undefined,
  };
}

const ratios = ["times as fast", "times bf16", "bf16 times bf16", "best : best"] as const;

/**
 * Leaves out all ratios of a row if other programs were at work: PyTorch's threads wait for each
 * other and so suffer more from that than ours, which would flatter us.
 *
 * @param load The machine's load average before the run.
 */
export function judged(row: PeerRow, load: number): PeerRow {
  if (load <= quietLoad) return row;
  return { ...row, ...Object.fromEntries(ratios.map((ratio) => [ratio, undefined])) };
}

function hasImages(subject: BenchCase): subject is InferenceCase | AugmentCase | CorruptionCase {
  return ["inference", "augment", "corruption"].includes(subject.kind);
}

/** Removes the columns that are undefined in every row. */
export function withoutEmptyColumns(rows: readonly object[]): object[] {
  const used = (key: string) =>
    rows.some((row) => (row as Record<string, unknown>)[key] !== undefined);
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([key]) => used(key))));
}

/** Lists each failure in a line: the case, the contender, the reason. */
export function failuresOf(all: readonly Measured[]): string[] {
  return all.flatMap(({ subject, outcomes }) =>
    outcomes.flatMap(({ contender, failure }) =>
      failure === undefined ? [] : [`${subject.name}: ${contender} failed: ${failure}`]
    )
  );
}

function fastest(outcomes: readonly (Outcome | undefined)[]): Outcome | undefined {
  const timed = outcomes.filter((o): o is Outcome => seconds(o) !== undefined);
  return timed.sort((a, b) => seconds(a)! - seconds(b)!)[0];
}

/** Seconds of one call: the median over the turns; undefined for a contender that has no times. */
function seconds(outcome: Outcome | undefined): number | undefined {
  return finite(median(outcome?.seconds ?? []));
}

function least(...times: readonly (number | undefined)[]): number | undefined {
  return finite(Math.min(...times.filter((time) => time !== undefined)));
}

function finite(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function over(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : factor * value;
}

const milli = (value: number | undefined) => scaled(value, 1000);
