/**
 * The names of a run's checkpoints: `checkpoint-00000500.safetensors` after 500 steps, of which the
 * newest two stay, and `best.safetensors`, the one with the best score. A new checkpoint is
 * complete before an old one is removed.
 */
import { join } from "@std/path";
import { faultPoint } from "./fault_points.ts";
import { ifThere } from "./if_there.ts";

export interface CheckpointFile {
  readonly path: string;
  /** Steps taken. */
  readonly step: number;
}

export function checkpointPath(folder: string, step: number): string {
  return join(folder, `checkpoint-${String(step).padStart(8, "0")}.safetensors`);
}

export function bestPath(folder: string): string {
  return join(folder, "best.safetensors");
}

/** Lists the numbered checkpoints, newest first; `best.safetensors` is not among them. */
export function listCheckpoints(folder: string): CheckpointFile[] {
  return namesIn(folder).flatMap((name) => {
    const step = /^checkpoint-(\d{8,})\.safetensors$/.exec(name)?.[1];
    return step === undefined ? [] : [{ path: join(folder, name), step: Number(step) }];
  }).sort((a, b) => b.step - a.step);
}

function namesIn(folder: string): string[] {
  return ifThere(() => [...Deno.readDirSync(folder)])?.map(({ name }) => name) ?? [];
}

/** Removes all checkpoints except the newest two: the last, and one to fall back to. */
export function removeOldCheckpoints(folder: string): void {
  for (const { path } of listCheckpoints(folder).slice(2)) {
    Deno.removeSync(path);
    faultPoint("old checkpoint removed", path);
  }
}

/**
 * Makes the checkpoint of a step the best one: the same file gets a second name, which stays when
 * the first is removed. Where the file system has no links, the file is copied.
 */
export function keepAsBest(folder: string, step: number): void {
  const [path, best] = [checkpointPath(folder, step), bestPath(folder)];
  const partial = `${best}.${Deno.pid}.partial`;
  try {
    Deno.linkSync(path, partial);
  } catch {
    Deno.copyFileSync(path, partial);
  }
  faultPoint("best linked", partial);
  Deno.renameSync(partial, best);
  faultPoint("best renamed", best);
  removeIfThere(partial); // renaming a link over a link to the same file leaves both names
}

/** Removes partly written files of processes that were killed. */
export function removePartials(folder: string): void {
  for (const name of namesIn(folder)) {
    if (name.endsWith(".partial")) removeIfThere(join(folder, name));
  }
}

export function removeIfThere(path: string): void {
  ifThere(() => Deno.removeSync(path));
}
