/** Deletes folders of runs, with all that was learnt and measured in them. */
import { join } from "@std/path";
import { megabytes } from "lib/runs/megabytes.ts";
import { lockHolder, takeRunLock } from "lib/runs/run_lock.ts";
import { folderOf, lockPath } from "lib/experiments/runs/run_folder.ts";
import { plural } from "lib/experiments/runs/in_turn.ts";
import type { RunSummary } from "./run_summary.ts";

/** What deleting would do. */
export interface DeletionPlan {
  readonly runs: readonly { readonly id: string; readonly bytes: number }[];
  /** Runs that stay: `Cannot delete start-1234abcd: it comes with the project`. */
  readonly refused: readonly string[];
}

/** Looks at the runs; deletes nothing. */
export function planDeletion(runs: readonly RunSummary[]): DeletionPlan {
  const plan: { id: string; bytes: number }[] = [];
  const refused: string[] = [];
  for (const run of runs) {
    const reason = reasonToStay(run);
    if (reason !== undefined) refused.push(reason);
    else plan.push({ id: run.id, bytes: folderBytes(folderOf(run.id).path) });
  }
  return { runs: plan, refused };
}

function reasonToStay({ id, origin }: RunSummary): string | undefined {
  if (origin === "shipped") {
    return `Cannot delete ${id}: it comes with the project; BCSSL_SHIPPED=none hides all such runs`;
  }
  const writer = lockHolder(lockPath(folderOf(id)));
  return writer && `Cannot delete ${id}: ${writer} is training it; stop it there first`;
}

/** `2 runs, 44.1 MB` */
export function deletionInWords({ runs }: DeletionPlan): string {
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  return `${plural(runs.length, "run")}, ${megabytes(bytes)} MB`;
}

/**
 * Deletes what was planned. Each run is locked first, so that no training begins meanwhile.
 *
 * @throws {Error} If a run is being trained by now, or the disk refuses; the runs after it stay.
 */
export function deleteRuns({ runs }: DeletionPlan): void {
  for (const { id } of runs) {
    const folder = folderOf(id);
    using _lock = takeRunLock(lockPath(folder), id);
    Deno.removeSync(folder.path, { recursive: true });
  }
}

/** Bytes of all files in a folder; one with two names, as the best checkpoint has, counts once. */
export function folderBytes(folder: string): number {
  const seen = new Set<string>();
  const bytesIn = (path: string): number =>
    [...Deno.readDirSync(path)].reduce((sum, { name, isDirectory }) => {
      const inner = join(path, name);
      if (isDirectory) return sum + bytesIn(inner);
      const { dev, ino, size } = Deno.lstatSync(inner);
      const file = ino === null ? inner : `${dev} ${ino}`;
      if (seen.has(file)) return sum;
      seen.add(file);
      return sum + size;
    }, 0);
  return bytesIn(folder);
}
