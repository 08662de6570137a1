/** Reads what is shipped of a finished run in `outputs/`. */
import { join } from "@std/path";
import type { Recipe } from "lib/ssl/methods.ts";
import { encodeHistory } from "lib/runs/history_columns.ts";
import { isEvaluation } from "lib/experiments/runs/evaluations.ts";
import { readPast } from "lib/experiments/runs/recorder.ts";
import type { Session } from "lib/experiments/runs/environment.ts";
import { readJson, type RunFolder } from "lib/experiments/runs/run_folder.ts";
import { readStatus, type RunStatus } from "lib/experiments/runs/run_status.ts";
import type { ShippedHeader, ShippedSession } from "lib/experiments/runs/shipped.ts";
import { pathIn } from "./machine_paths.ts";

/** The contents of config.json, as far as shipping looks at them. */
export interface SavedRun {
  readonly id: string;
  readonly seed: number;
  readonly recipe: Recipe;
  readonly data: { readonly kind: string };
}

/** The numbers of a finished run. */
export interface FinishedRun {
  readonly folder: RunFolder;
  readonly config: SavedRun;
  readonly header: Omit<ShippedHeader, "weights" | "snapshots">;
  /** The encoded history. */
  readonly history: Uint8Array;
  /** Results of its evaluations, by the names of their files. */
  readonly results: ReadonlyMap<string, readonly SavedResult[]>;
  /** Lines about results that are left out. */
  readonly notes: readonly string[];
}

/** A run that is to be shipped. */
export interface PlannedRun {
  readonly id: string;
  readonly steps: number;
  /** Names of its evaluations: `knn`. */
  readonly evaluations: readonly string[];
  /** Contents of its package: config, metrics, evaluations, classifiers. */
  readonly package: Uint8Array;
  /** Contents of its file of weights; absent if they are not shipped. */
  readonly weights?: Uint8Array;
  /** Contents of the files of its snapshots, by their steps; absent if none are shipped. */
  readonly snapshots?: ReadonlyMap<number, Uint8Array>;
}

/** Why a run is not shipped: a sentence that begins after its id. */
export interface Refusal {
  readonly refused: string;
}

/** Reads a run, or says why it cannot be shipped. */
export function readFinishedRun(folder: RunFolder): FinishedRun | Refusal {
  const config = readJson<SavedRun>(join(folder.path, "config.json"));
  if (config?.recipe === undefined) return { refused: "its config.json is missing or damaged" };
  const { sessions } = readJson<{ sessions: Session[] }>(join(folder.path, "environment.json")) ??
    {};
  if (sessions === undefined) return { refused: "its environment.json is missing or damaged" };
  const status = readStatus(folder);
  const why = config.id === folder.id
    ? reasonNotToShip(config, status)
    : `its config.json is that of ${config.id}`;
  if (why !== undefined) return { refused: why };
  const { history, missing } = readPast(folder, status!);
  if (missing > 0) {
    return { refused: `its metrics.jsonl lacks ${missing} of ${status!.step} steps` };
  }
  const { code, bytes } = encodeHistory(history);
  const { files, notes } = readEvaluations(folder);
  return {
    folder,
    config,
    header: { config, status: status!, sessions: sessions.map(withoutMachine), history: code },
    history: bytes,
    results: files,
    notes,
  };
}

function reasonNotToShip(
  config: SavedRun,
  status: RunStatus | undefined,
): string | undefined {
  if (status === undefined) return "it has no checkpoint yet";
  if (!status.finished) return `it is at step ${status.step} of ${status.totalSteps}`;
  if (config.data.kind === "folder") return "it was trained on pictures that others do not have";
  const path = pathIn(config);
  return path && `its config names a path of this machine: ${path}`;
}

/** What may be said of where a run was trained. */
function withoutMachine(session: Session): ShippedSession {
  const { fromStep, began, versions, cpu, gpu, threads, commit } = session;
  return {
    fromStep,
    began,
    versions,
    cpu,
    ...(gpu && { gpu }),
    threads,
    ...(commit && { commit }),
  };
}

/** A result as it is kept in a run's folder. */
export interface SavedResult {
  readonly options: unknown;
  /** Checksum of the shipped weights that it is of; absent for weights that were trained here. */
  readonly shipped?: string;
}

/**
 * Results of evaluations by the names of their files, sorted.
 *
 * @param weights Checksum of the shipped weights whose results are wanted; absent for those of
 *   weights that were trained here.
 */
export function readEvaluations({ id, path }: RunFolder, weights?: string) {
  const notes: string[] = [];
  const files = new Map<string, readonly SavedResult[]>();
  for (const name of [...Deno.readDirSync(path)].map(({ name }) => name).sort()) {
    if (!isEvaluation(join(path, name))) continue;
    const kept = readJson<SavedResult[]>(join(path, name))!.filter((entry) => {
      const why = reasonToLeaveOut(entry, weights);
      if (why !== undefined) notes.push(`${id}: a result in ${name} is left out, ${why}`);
      return why === undefined;
    });
    if (kept.length > 0) files.set(name, kept);
  }
  return { files, notes };
}

/** Plain data as JSON without spaces. */
export function jsonBytes(data: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(data));
}

function reasonToLeaveOut(entry: SavedResult, weights?: string): string | undefined {
  if (entry.shipped !== weights) return "since it is of weights that were shipped earlier";
  const path = pathIn(entry);
  return path && `since it names a path of this machine: ${path}`;
}
