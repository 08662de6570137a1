/**
 * Results that were computed from a shipped run's weights after it was shipped, and classifiers that
 * were fitted to their features: they are added to its package. Its weights and its history stay as
 * they are.
 */
import { packRun, unpackRun } from "lib/runs/run_package.ts";
import type { RunFolder } from "lib/experiments/runs/run_folder.ts";
import {
  packagePath,
  type ShippedHeader,
  shippedSnapshotPath,
  shippedVersion,
  shippedWeightsPath,
} from "lib/experiments/runs/shipped.ts";
import { jsonBytes, type PlannedRun, readEvaluations, type SavedResult } from "./finished_run.ts";
import { readClassifiers } from "./shipped_weights.ts";

/** A package with added results, and lines about results that are left out. */
export interface AddedResults {
  /** Absent if there is nothing to add. */
  readonly run?: PlannedRun;
  readonly notes: readonly string[];
}

/**
 * Reads the results in a folder of `outputs/` that holds no training, and the package of the run.
 * A result replaces one with the same options.
 *
 * @param to The folder of shipped runs.
 * @throws {Error} If the package is damaged; the message names it.
 */
export function readAddedResults(folder: RunFolder, to: string): AddedResults {
  const path = packagePath(to, folder.id);
  const { header, parts } = unpackRun(path, Deno.readFileSync(path));
  const { status, weights } = header as ShippedHeader;
  const { files, notes } = readEvaluations(folder, weights?.sha256);
  const classifiers = weights === undefined
    ? new Map<string, Uint8Array>()
    : readClassifiers(folder, shippedVersion(status.step, weights.sha256));
  if (files.size + classifiers.size === 0) return { notes };
  return {
    notes,
    run: {
      id: folder.id,
      steps: status.step,
      evaluations: [...files.keys()].map((name) => name.replace(".json", "")),
      package: packRun({
        header,
        parts: new Map([...withResults(parts, files), ...classifiers]),
      }),
      ...(weights && !weights.dropped && {
        weights: Deno.readFileSync(shippedWeightsPath(to, folder.id)),
      }),
      snapshots: snapshotsIn(to, folder.id, header as ShippedHeader),
    },
  };
}

/** A package's parts with results added, by the names of their files. */
export function withResults(
  parts: ReadonlyMap<string, Uint8Array>,
  files: ReadonlyMap<string, readonly SavedResult[]>,
): Map<string, Uint8Array> {
  const all = new Map(parts);
  for (const [name, added] of files) {
    const text = new TextDecoder().decode(parts.get(name) ?? jsonBytes([]));
    const packed: SavedResult[] = JSON.parse(text);
    const replaced = new Set(added.map(optionsOf));
    all.set(name, jsonBytes([...packed.filter((it) => !replaced.has(optionsOf(it))), ...added]));
  }
  return all;
}

/** The files of a shipped run's snapshots, by their steps. */
export function snapshotsIn(
  to: string,
  id: string,
  { snapshots = [] }: ShippedHeader,
): ReadonlyMap<number, Uint8Array> {
  return new Map(
    snapshots.map(({ step }) => [step, Deno.readFileSync(shippedSnapshotPath(to, id, step))]),
  );
}

function optionsOf({ options }: SavedResult): string {
  return JSON.stringify(options);
}
