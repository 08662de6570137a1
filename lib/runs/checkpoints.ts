/**
 * The names of a run's files of weights: `checkpoint-00000500.safetensors` after 500 steps, of which
 * the newest two stay; `best.safetensors`, the one with the best score; and snapshots,
 * `snapshot-00000500.safetensors`, which all stay and from which nothing resumes. A new checkpoint is
 * complete before an old one is removed.
 */
import { join } from "@std/path";
import { faultPoint } from "./fault_points.ts";
import { ifThere } from "./if_there.ts";

type Kind = "checkpoint" | "snapshot";

export interface CheckpointFile {
  readonly path: string;
  /** Steps taken. */
  readonly step: number;
}

export function checkpointPath(folder: string, step: number): string {
  return pathAt(folder, "checkpoint", step);
}

/** Path of the evaluated network's weights after `step` steps, for runs that keep them. */
export function snapshotPath(folder: string, step: number): string {
  return pathAt(folder, "snapshot", step);
}

function pathAt(folder: string, kind: Kind, step: number): string {
  return join(folder, `${kind}-${String(step).padStart(8, "0")}.safetensors`);
}

export function bestPath(folder: string): string {
  return join(folder, "best.safetensors");
}

/** Lists the numbered checkpoints, newest first; `best.safetensors` is not among them. */
export function listCheckpoints(folder: string): CheckpointFile[] {
  return filesOf(folder, "checkpoint").reverse();
}

/** Lists the snapshots in the order of their steps. */
export function listSnapshots(folder: string): CheckpointFile[] {
  return filesOf(folder, "snapshot");
}

function filesOf(folder: string, kind: Kind): CheckpointFile[] {
  return namesIn(folder).flatMap((name) => {
    const [, found, step] = /^(\w+)-(\d{8,})\.safetensors$/.exec(name) ?? [];
    return found === kind ? [{ path: join(folder, name), step: Number(step) }] : [];
  }).sort((a, b) => a.step - b.step);
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
