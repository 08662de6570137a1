/** Forgets what a run has learnt and measured, to train it again. */
import { join } from "@std/path";
import { bestPath, listCheckpoints, removeIfThere } from "lib/runs/checkpoints.ts";
import { removeEventFiles } from "lib/runs/event_file.ts";
import { removeEvaluations } from "./evaluations.ts";
import type { RunFolder } from "./run_folder.ts";

/** What training writes beside checkpoints and events; config.json stays. */
const ownFiles = [
  "metrics.jsonl",
  "metrics.parquet",
  "status.json",
  "environment.json",
  "pictures.json",
];

/**
 * Removes checkpoints, metrics, and all that was evaluated. The folder stays, with files that are
 * not a run's own.
 */
export function clearRun({ path }: RunFolder): void {
  for (const file of ownFiles) removeIfThere(join(path, file));
  removeEvaluations(path);
  for (const { path: checkpoint } of listCheckpoints(path)) Deno.removeSync(checkpoint);
  removeIfThere(bestPath(path));
  removeEventFiles(path);
}
