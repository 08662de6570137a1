/** What a test expects of a run that it stops. */
import type { TrainResult } from "lib/experiments/runs/train_run.ts";
import { readsAtOnce } from "lib/train/reading.ts";

/**
 * Whether a run whose signal was aborted when it told of step `at` ended there, unfinished. A GPU's
 * steps are read together, ten at most: there it ends after the last of those that were read with
 * this one.
 */
export function endsAt({ step, finished }: TrainResult, at: number): boolean {
  return !finished && (readsAtOnce() ? step === at : step >= at && step < at + 10);
}
