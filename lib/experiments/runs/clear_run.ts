/** Deletes what a run has learnt and measured, so that it can be trained again. */
import { join } from "@std/path";
import { bestPath, listCheckpoints, listSnapshots, removeIfThere } from "lib/runs/checkpoints.ts";
import { removeEventFiles } from "lib/runs/event_file.ts";
import { removeEvaluations } from "./evaluations.ts";
import type { RunFolder } from "./run_folder.ts";

/** Files that training writes, besides checkpoints and TensorBoard's events. config.json stays. */
const ownFiles = [
  "metrics.jsonl",
  "metrics.parquet",
  "status.json",
  "environment.json",
  "pictures.json",
];

/**
 * Removes checkpoints, snapshots, metrics and results of evaluations. The folder stays, with all
 * other files in it.
 */
export function clearRun({ path }: RunFolder): void {
  for (const file of ownFiles) removeIfThere(join(path, file));
  removeEvaluations(path);
  const weights = [...listCheckpoints(path), ...listSnapshots(path)];
  for (const { path: file } of weights) Deno.removeSync(file);
  removeIfThere(bestPath(path));
  removeEventFiles(path);
}
