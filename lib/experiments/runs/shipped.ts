/**
 * Reads the runs that come with the project, `data/shipped/<id>.run` with the weights in
 * `<id>.safetensors` and `<id>-<step>.safetensors`, where `outputs/` has no training of the same run.
 * Nothing is written there.
 */
import { join } from "@std/path";
import { shippedFolder } from "lib/paths.ts";
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import { decodeHistory, type HistoryCode } from "lib/runs/history_columns.ts";
import { ifThere } from "lib/runs/if_there.ts";
import { damaged, type RunPackage, sha256, unpackRun } from "lib/runs/run_package.ts";
import type { ShippedOrigin } from "lib/runs/shipped_origin.ts";
import type { Session } from "./environment.ts";
import { folderOf, metricsPath, type RunFolder } from "./run_folder.ts";
import { readStatus, type RunStatus, statusPath } from "./run_status.ts";

/** What is said of a period of training: the software and the processor, but not the machine. */
export type ShippedSession = Pick<
  Session,
  "fromStep" | "began" | "versions" | "cpu" | "gpu" | "threads" | "commit"
>;

/** The header of a shipped run's package. */
export interface ShippedHeader {
  /** The contents of config.json. */
  readonly config: object;
  /** The contents of status.json. */
  readonly status: RunStatus;
  readonly sessions: readonly ShippedSession[];
  /** How the part `history` is encoded. It is the history without speeds, as a verb returns it. */
  readonly history: HistoryCode;
  /**
   * The weights of the last step in `<id>.safetensors`; absent if they were never shipped. `dropped`
   * if the file was removed since: results that were measured of these weights still count.
   */
  readonly weights?: { readonly sha256: string; readonly dropped?: boolean };
  /** The snapshots that are shipped, in the order of their steps, each a file; absent if none is. */
  readonly snapshots?: readonly { readonly step: number; readonly sha256: string }[];
}

/** A run that comes with the project. */
export interface ShippedRun extends Omit<ShippedHeader, "history"> {
  readonly id: string;
  /** @param only Names of the metrics that are wanted; by default all. */
  history(only?: readonly string[]): HistoryLine[];
  /** A file of the run's folder: an evaluation, `knn.json`, or a fitted classifier. */
  file(name: string): Uint8Array<ArrayBuffer> | undefined;
}

/** Path of the package of a run in a folder of shipped runs. */
export function packagePath(folder: string, id: string): string {
  return join(folder, `${id}.run`);
}

/** Path of the weights of a run in a folder of shipped runs. */
export function shippedWeightsPath(folder: string, id: string): string {
  return join(folder, `${id}.safetensors`);
}

/** Path of a snapshot of a run in a folder of shipped runs. */
export function shippedSnapshotPath(folder: string, id: string, step: number): string {
  return join(folder, `${id}-${String(step).padStart(8, "0")}.safetensors`);
}

/** Ids of the runs in a folder of shipped runs, sorted. */
export function packagesIn(folder: string): string[] {
  const names = ifThere(() => [...Deno.readDirSync(folder)])?.map(({ name }) => name) ?? [];
  return names.filter((name) => name.endsWith(".run")).map((name) => name.slice(0, -4)).sort();
}

/**
 * Whether a folder of `outputs/` holds a training, which may have been stopped at any step. A
 * folder with evaluations only holds none.
 */
export function isTrainedHere({ path }: Pick<RunFolder, "path">): boolean {
  return isThere(statusPath({ path })) || isThere(metricsPath({ path })) ||
    listCheckpoints(path).length > 0;
}

/**
 * The shipped run of a folder; `undefined` if there is none, if the run is trained here, or if
 * `BCSSL_SHIPPED` is `none`.
 *
 * @throws {RangeError} If `BCSSL_SHIPPED` names a folder that is not there.
 * @throws {Error} If its file is damaged; the message names it and says what to do.
 */
export function shippedRun({ id, path }: RunFolder): ShippedRun | undefined {
  const folder = folderToRead();
  if (folder === undefined || isTrainedHere({ path })) return undefined;
  return readShipped(packagePath(folder, id), id);
}

/** All shipped runs that are not trained here. A damaged one is named in a warning. */
export function allShipped(warn: (message: string) => void = console.warn): ShippedRun[] {
  const folder = folderToRead();
  return (folder === undefined ? [] : packagesIn(folder)).flatMap((id) => {
    try {
      return shippedRun(folderOf(id)) ?? [];
    } catch (error) {
      warn((error as Error).message);
      return [];
    }
  });
}

/** How far a run is, whether it is trained here or shipped; `undefined` if it is neither. */
export function statusOf(folder: RunFolder): RunStatus | undefined {
  return readStatus(folder) ?? shippedRun(folder)?.status;
}

/** Where a shipped run was trained. */
export function originOf({ sessions, status }: ShippedRun): ShippedOrigin {
  return {
    commits: [...new Set(sessions.flatMap(({ commit }) => commit ?? []))],
    date: status.updated.slice(0, 10),
    processors: [...new Set(sessions.map(({ gpu, cpu }) => gpu ?? cpu))],
  };
}

/** The weights of a shipped run, as an evaluation looks for them. */
export interface ShippedWeights {
  /** The file; absent if the weights are not shipped. */
  readonly path?: string;
  /** Step of the weights, as for a run in `outputs/`: `step 6240`. */
  readonly version: string;
  /** Tells these weights from others of the same step. */
  readonly checksum?: string;
  /** Why there are no weights, and how to make them; for whoever would read them. */
  readonly unavailable?: string;
}

/**
 * Finds the weights of a shipped run.
 *
 * @param at Step of the weights that are wanted; by default the last.
 * @param retrain The call that trains the run here: `pretrain(config, { fresh: true, … })`.
 * @throws {Error} If the file is missing or damaged; the message names it and says what to do.
 */
export function shippedWeights(
  { id, status, weights, snapshots = [] }: ShippedRun,
  { at = status.step, retrain }: { readonly at?: number; readonly retrain: string },
): ShippedWeights {
  const folder = shippedFolder()!;
  const last = weights &&
    { ...weights, step: status.step, path: shippedWeightsPath(folder, id) };
  const files = snapshots.map(({ step, sha256 }) => ({
    ...{ step, path: shippedSnapshotPath(folder, id, step), sha256 },
  }));
  if (last && !last.dropped) files.push(last);
  const found = files.findLast(({ step }) => step === at);
  if (found === undefined) {
    const lacks = files.length === 0
      ? "without its weights"
      : `with the weights of step ${files.map(({ step }) => step).join(", ")} only`;
    const version = last?.step === at ? shippedVersion(at, last.sha256) : { version: `step ${at}` };
    return { ...version, unavailable: unavailableLine(id, lacks, retrain) };
  }
  verify(found.path, found.sha256);
  return { path: found.path, ...shippedVersion(at, found.sha256) };
}

/** What tells shipped weights from others of the same run: their step and their contents. */
export function shippedVersion(step: number, sha256: string): Omit<ShippedWeights, "path"> {
  return { version: `step ${step}`, checksum: sha256.slice(0, 16) };
}

/** One line for whoever needs weights that are not shipped. */
export function unavailableLine(id: string, lacks: string, retrain: string): string {
  return `Cannot load the weights of ${id}: the run is shipped with the project ${lacks}; ` +
    `${retrain} trains it here`;
}

interface Kept<T> {
  readonly stamp: string;
  readonly value: T;
}

/** Packages that were read, by their paths. */
const packages = new Map<string, Kept<ShippedRun>>();
/** Checksums of files of weights that were read. */
const digests = new Map<string, Kept<string>>();

/** The folder of shipped runs; `undefined` if none are to be used. */
function folderToRead(): string | undefined {
  const folder = shippedFolder();
  if (folder === undefined || !Deno.env.get("BCSSL_SHIPPED") || isThere(folder)) return folder;
  throw new RangeError(
    `Cannot load shipped runs: BCSSL_SHIPPED names ${folder}, which is not there; unset it, or set none`,
  );
}

function readShipped(path: string, id: string): ShippedRun | undefined {
  return isThere(path)
    ? unlessChanged(packages, path, () => runOf(id, unpackRun(path, Deno.readFileSync(path))))
    : undefined;
}

function runOf(id: string, { header, parts }: RunPackage): ShippedRun {
  const { history: code, ...rest } = header as ShippedHeader;
  return {
    id,
    ...rest,
    history: (only) => decodeHistory({ code, bytes: parts.get("history")!.slice() }, only),
    file: (name) => parts.get(name)?.slice(),
  };
}

function verify(path: string, expected: string): void {
  if (!isThere(path)) throw damaged(path, "it is not there");
  const actual = unlessChanged(digests, path, () => sha256(Deno.readFileSync(path)));
  if (actual !== expected) throw damaged(path);
}

/** What was read from a file, read again if the file was written since. */
function unlessChanged<T>(kept: Map<string, Kept<T>>, path: string, read: () => T): T {
  const { size, mtime } = Deno.statSync(path);
  const stamp = `${size} ${mtime?.getTime()}`;
  const earlier = kept.get(path);
  if (earlier?.stamp === stamp) return earlier.value;
  const value = read();
  kept.set(path, { stamp, value });
  return value;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
