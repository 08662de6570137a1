/** The file status.json: how far a run was at its last checkpoint. The table of runs reads it. */
import { join } from "@std/path";
import { replaceFile } from "lib/weights/replace_file.ts";
import { json, readJson, type RunFolder } from "./run_folder.ts";

/** A score that a run's monitor measured. */
export interface ScoreAt {
  /** The metric's name in the history: `knn20Top1`, or a detector's `boxAp`. */
  readonly metric: string;
  /** A fraction. */
  readonly value: number;
  readonly step: number;
}

export interface RunStatus {
  readonly step: number;
  readonly totalSteps: number;
  /** Whether all steps are taken and the last one is measured. */
  readonly finished: boolean;
  /** Whether the run has no monitor, for instance because its images have no classes. */
  readonly unmonitored?: boolean;
  /** Seconds of training over all sessions, including the monitor. */
  readonly seconds: number;
  /** The score that was measured last, and the best one. */
  readonly last?: ScoreAt;
  readonly best?: ScoreAt;
  /** Names of the alarms that were raised. */
  readonly alarms: readonly string[];
  /** Time of writing, ISO 8601. */
  readonly updated: string;
}

export function statusPath({ path }: Pick<RunFolder, "path">): string {
  return join(path, "status.json");
}

export function writeStatus(folder: RunFolder, status: RunStatus): void {
  replaceFile(statusPath(folder), json(status));
}

/**
 * Reads status.json of a run that is trained here; `undefined` if it is missing or damaged. For
 * runs that may be shipped, see `statusOf`.
 */
export function readStatus(folder: Pick<RunFolder, "path">): RunStatus | undefined {
  const saved = readJson<RunStatus & OldScores>(statusPath(folder));
  if (saved === undefined) return undefined;
  const { lastKnn, bestKnn, lastAp, bestAp, ...status } = saved;
  const last = status.last ?? oldScore(lastKnn, lastAp);
  const best = status.best ?? oldScore(bestKnn, bestAp);
  return { ...status, ...(last && { last }), ...(best && { best }) };
}

/** The scores in older files, which had a pair of fields for each metric. */
interface OldScores {
  readonly lastKnn?: OldKnn;
  readonly bestKnn?: OldKnn;
  readonly lastAp?: OldAp;
  readonly bestAp?: OldAp;
}

type OldKnn = { readonly step: number; readonly top1: number };
type OldAp = { readonly step: number; readonly ap: number };

function oldScore(knn: OldKnn | undefined, ap: OldAp | undefined): ScoreAt | undefined {
  if (knn) return { metric: "knn20Top1", value: knn.top1, step: knn.step };
  return ap && { metric: "boxAp", value: ap.ap, step: ap.step };
}
