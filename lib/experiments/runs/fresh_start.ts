/**
 * What `{ fresh: true }` does: forgets a run, to train it again from step 0. A file in the run's
 * folder says that such a start is under way, so that the same call goes on after an interrupt
 * instead of forgetting once more.
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

/** Forgets a run, and notes that it is trained anew. */
export function beginFresh(folder: RunFolder): void {
  clearRun(folder); // before the note: killed in between, the run is cleared once more
  replaceFile(marker(folder), "Delete this file to let { fresh: true } begin at step 0.\n");
}

/** The run has come as far as was asked for: the next fresh start is a new one. */
export function endFreshStart(folder: RunFolder): void {
  removeIfThere(marker(folder));
}

/**
 * Whether a fresh start was interrupted and has left something that can be gone on with.
 *
 * @param hasSameData Asked only if it has; by default, the data cannot change.
 */
export async function isFreshUnderWay(
  folder: RunFolder,
  hasSameData: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<boolean> {
  return isThere(marker(folder)) && hasGoodCheckpoint(folder) && await hasSameData();
}

/**
 * Says that a fresh start goes on, or begins it again if the run has another length now: then its
 * images have changed.
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
