/**
 * Implements `{ fresh: true }`: deletes what a run has learnt, to train it again from step 0. While
 * the run trains, a marker file in its folder says so. If the run is interrupted, the same call
 * then resumes it instead of deleting it once more.
 */
import { join } from "@std/path";
import { listCheckpoints, removeIfThere } from "lib/runs/checkpoints.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import { clearRun } from "./clear_run.ts";
import type { RunFolder } from "./run_folder.ts";
import { readStatus } from "./run_status.ts";

function marker({ path }: RunFolder): string {
  return join(path, "fresh-start");
}

/** Deletes what a run has learnt, and writes the marker file. */
export function beginFresh(folder: RunFolder): void {
  clearRun(folder); // before the marker: if the process is killed in between, it is done again
  replaceFile(marker(folder), "Delete this file to let { fresh: true } begin at step 0.\n");
}

/**
 * Removes the marker file, when the run has come as far as was asked for. The next
 * `{ fresh: true }` begins at step 0 again.
 */
export function endFreshStart(folder: RunFolder): void {
  removeIfThere(marker(folder));
}

/**
 * Whether a fresh start was interrupted and can be resumed.
 *
 * @param hasSameData Whether the run's data are still the same. Called only if there was a fresh
 *   start. By default, they always are.
 */
export async function isFreshUnderWay(
  folder: RunFolder,
  hasSameData: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<boolean> {
  return isThere(marker(folder)) && hasGoodCheckpoint(folder) && await hasSameData();
}

/**
 * Logs that a fresh start is resumed. If the run has another length now, its images have changed,
 * and it begins at step 0 again.
 */
export function goOnFresh(
  folder: RunFolder,
  totalSteps: number,
  warn: (message: string) => void,
): void {
  const status = readStatus(folder);
  if (status?.totalSteps !== totalSteps) return beginFresh(folder);
  warn(
    `${folder.id}: going on at step ${status.step} with the fresh start that was interrupted; ` +
      `to begin at 0, delete ${folder.path}`,
  );
}

function hasGoodCheckpoint({ path }: RunFolder): boolean {
  return listCheckpoints(path).some((checkpoint) => {
    try {
      readTrainingState(checkpoint.path);
      return true;
    } catch {
      return false;
    }
  });
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
