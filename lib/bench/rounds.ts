/**
 * Measures contenders in turns: each works for a moment, then the next. A machine that slows down
 * for a while then slows all of them.
 */
import type { BenchCase } from "./cases.ts";
import type { Contender, Sample, Totals } from "./contender.ts";

/** How long one case is measured. */
export interface Patience {
  /** Largest number of turns of each contender. */
  readonly rounds: number;
  /** Length of a turn in seconds. */
  readonly turn: number;
  /** Seconds after which no further round begins; two rounds are always made. */
  readonly budget: number;
}

/** The measurements of one contender in one case. */
export interface Outcome {
  readonly contender: string;
  /** Seconds of one call, a value for each turn; empty if the contender failed. */
  readonly seconds: readonly number[];
  /** Minor page faults of one call, median. */
  readonly faults: number;
  readonly peakBytes: number | null;
  readonly notes: Totals["notes"];
  /** The error message of a contender that failed. */
  readonly failure?: string;
}

/** A contender at work on a case, with its samples so far. */
interface Runner {
  readonly contender: Contender;
  readonly samples: Sample[];
  /** Seconds of the first call. */
  readonly first: number;
  failure?: string;
}

/**
 * Seconds of a first call above which its time is taken as it is, without a second call. In a call
 * of that length, the work that only a first call does is a small part.
 */
const slow = 20;

/**
 * Measures one case by turns. A contender that fails drops out; the others go on.
 *
 * @returns Outcomes in the order of the contenders.
 */
export async function takeTurns(
  subject: BenchCase,
  contenders: readonly Contender[],
  patience: Patience,
): Promise<Outcome[]> {
  const runners: Runner[] = [];
  for (const contender of contenders) runners.push(await warmUp(contender, subject));
  const began = performance.now();
  for (let round = 0; round < patience.rounds; round++) {
    if (round >= 2 && performance.now() - began > 1000 * patience.budget) break;
    for (const runner of runners) await takeTurn(runner, round, patience.turn);
  }
  return await Promise.all(runners.map(outcome));
}

async function warmUp(contender: Contender, subject: BenchCase): Promise<Runner> {
  try {
    return { contender, samples: [], first: await contender.prepare(subject) };
  } catch (error) {
    return { contender, samples: [], first: 0, failure: (error as Error).message };
  }
}

async function takeTurn(runner: Runner, round: number, turn: number): Promise<void> {
  if (runner.failure !== undefined) return;
  if (runner.first > slow) {
    if (round === 0) runner.samples.push({ seconds: runner.first, faults: NaN });
    return;
  }
  try {
    runner.samples.push(await runner.contender.sample(turn));
  } catch (error) {
    runner.failure = (error as Error).message;
  }
}

async function outcome({ contender, samples, failure }: Runner): Promise<Outcome> {
  const totals = await contender.finish().catch(() => ({ peakBytes: null, notes: {} }));
  return {
    contender: contender.name,
    seconds: failure === undefined ? samples.map(({ seconds }) => seconds) : [],
    faults: median(samples.map(({ faults }) => faults)),
    ...totals,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** The middle value, or the mean of the middle two; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}
