/**
 * The folder of a run, `outputs/<id>/`. It holds the config (config.json), the software and
 * hardware (environment.json), the metrics (metrics.jsonl, metrics.parquet, TensorBoard's events),
 * the progress (status.json) and the weights (checkpoints).
 */
import { join } from "@std/path";
import { outputsFolder } from "lib/paths.ts";
import { bestPath, listCheckpoints, removePartials } from "lib/runs/checkpoints.ts";
import { faultPoint } from "lib/runs/fault_points.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { type RunLock, takeRunLock } from "lib/runs/run_lock.ts";
import { runId, type RunKey } from "lib/experiments/configs/config.ts";
import type { Learner } from "./learner.ts";

export { outputsFolder };

/** The folder of a run, which may not exist yet. */
export interface RunFolder {
  readonly id: string;
  readonly path: string;
}

export function runFolder(key: RunKey): RunFolder {
  return folderOf(runId(key));
}

/** The folder of the run with this id. */
export function folderOf(id: string): RunFolder {
  return { id, path: join(outputsFolder(), id) };
}

export function metricsPath({ path }: Pick<RunFolder, "path">): string {
  return join(path, "metrics.jsonl");
}

/** The file that the process which writes a run holds locked. */
export function lockPath({ path }: Pick<RunFolder, "path">): string {
  return join(path, "lock");
}

/**
 * Opens the folder of a run for writing, and creates it if needed. Other processes cannot write to
 * it until the lock is disposed of.
 *
 * @param description The contents of config.json: everything that the run's numbers depend on.
 * @throws {Error} If the folder cannot be written, or another process is writing the run; the
 *   message says which.
 */
export function openRun({ id, path }: RunFolder, description: object): RunLock {
  try {
    Deno.mkdirSync(path, { recursive: true });
    const lock = takeRunLock(lockPath({ path }), id);
    faultPoint("lock taken", path);
    removePartials(path);
    replaceFile(join(path, "config.json"), json(description));
    return lock;
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith("Cannot write run ")) throw error; // another process has the lock
    throw new Error(
      `Cannot write the run to ${path}: ${message}; free space, or set BCSSL_OUTPUTS`,
    );
  }
}

/**
 * Loads the newest good checkpoint into a learner.
 *
 * @param warn Gets a line for each newer checkpoint that is damaged.
 * @returns The steps of that checkpoint; 0 if there is none.
 * @throws {Error} If there are checkpoints, and none is good.
 */
export function restoreRun(
  { path }: RunFolder,
  learner: Pick<Learner, "load">,
  warn: (message: string) => void,
): number {
  const files = listCheckpoints(path).map((file) => file.path);
  if (files.length === 0) return 0;
  const problems: Error[] = [];
  for (const file of [...files, bestPath(path)]) {
    try {
      const step = learner.load(file);
      for (const { message } of problems) warn(`${message}; going on from step ${step} instead`);
      return step;
    } catch (error) {
      problems.push(error as Error);
    }
  }
  throw new Error(`${problems[0]!.message}, and no older checkpoint is good; give { fresh: true }`);
}

/** A value as the text of a JSON file. */
export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

/** The contents of a JSON file; undefined if it is missing or damaged. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(path)) as T;
  } catch {
    return undefined;
  }
}
