/** Where a run ends that a test stops at one of its steps. */
import { readsAtOnce } from "lib/train/reading.ts";

/**
 * The step that a run ends after if its signal is aborted when it tells of step `at`: this step on a
 * CPU. A GPU's steps are read together up to the next that is monitored, and the run ends there.
 *
 * @param monitorEvery Steps from one monitor to the next, at most ten: no more are read together.
 */
export function endOfStopped(at: number, monitorEvery: number): number {
  return readsAtOnce() ? at : Math.ceil(at / monitorEvery) * monitorEvery;
}
