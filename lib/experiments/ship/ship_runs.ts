/**
 * Ships finished runs: writes their numbers, and of some the weights, to a folder that comes with
 * the project. The same runs give the same files.
 */
import { join } from "@std/path";
import { removeIfThere } from "lib/runs/checkpoints.ts";
import { ifThere } from "lib/runs/if_there.ts";
import { megabytes } from "lib/runs/megabytes.ts";
import { holdSame, packRun, sha256, unpackRun } from "lib/runs/run_package.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { readJson, type RunFolder } from "lib/experiments/runs/run_folder.ts";
import {
  isTrainedHere,
  packagePath,
  packagesIn,
  type ShippedHeader,
  shippedSnapshotPath,
  shippedWeightsPath,
} from "lib/experiments/runs/shipped.ts";
import { readAddedResults, snapshotsIn, withResults } from "./added_results.ts";
import {
  type FinishedRun,
  type PlannedRun,
  readFinishedRun,
  type Refusal,
  type SavedRun,
} from "./finished_run.ts";
import { matchingIds } from "./matching_ids.ts";
import { type HalfFiles, readHalfFiles, readSnapshots } from "./shipped_weights.ts";

/** Bytes that the folder of shipped runs may have: 40 MB, since it is part of every clone. */
export const shippedLimit = 40_000_000;

/** Which runs to ship, from where to where. */
export interface ShipOptions {
  /** Folder of the runs, as `outputs/` is. */
  readonly outputs: string;
  /** Folder to write to, as `data/shipped/` is. */
  readonly to: string;
  /** Ids of runs; `*` stands for any letters. By default, all runs. */
  readonly patterns?: readonly string[];
  /**
   * Runs whose weights are shipped: ids with `*`, or `first`: of the runs that differ in their seed
   * alone, the one with the lowest seed. By default `first`; an empty list ships none.
   */
  readonly weights?: "first" | readonly string[];
  /** Runs whose snapshots are shipped too: ids with `*`. By default none. */
  readonly snapshots?: readonly string[];
}

/** What shipping would write. */
export interface ShippingPlan {
  readonly to: string;
  readonly runs: readonly PlannedRun[];
  /** Runs that are not shipped: `Cannot ship start-1234abcd: it is at step 8 of 16`. */
  readonly refused: readonly string[];
  /** Lines about results that are left out. */
  readonly notes: readonly string[];
  /** Bytes that the folder will have, with the files that are there and stay. */
  readonly totalBytes: number;
}

/**
 * Reads the runs; writes nothing.
 *
 * @throws {RangeError} If `outputs` cannot be read, or no run in it matches a pattern.
 */
export function planShipping(
  { outputs, to, patterns = ["*"], weights = "first", snapshots = [] }: ShipOptions,
): ShippingPlan {
  const ids = matchingIds(runsIn(outputs, to), patterns, outputs);
  const folders = ids.map((id) => ({ id, path: join(outputs, id) }));
  const shipped = new Set(packagesIn(to));
  const isMeasured = (folder: RunFolder) => shipped.has(folder.id) && !isTrainedHere(folder);
  const added = folders.filter(isMeasured).map((folder) => readAddedResults(folder, to));
  const read = folders.filter((folder) => !isMeasured(folder))
    .map((folder) => [folder.id, readFinishedRun(folder)] as const);
  const finished = read.flatMap(([, run]) => "refused" in run ? [] : [run]);
  const withWeights = weights === "first"
    ? lowestSeeds(finished, to)
    : new Set(matchingIds(ids, weights, outputs));
  const withSnapshots = new Set(matchingIds(ids, snapshots, outputs));
  const runs: PlannedRun[] = added.flatMap(({ run }) => run ?? []);
  const refused: string[] = [];
  for (const [id, run] of read) {
    const files = "refused" in run
      ? run
      : readFiles(run, { weights: withWeights.has(id), snapshots: withSnapshots.has(id) });
    if ("refused" in files) refused.push(`Cannot ship ${id}: ${files.refused}`);
    else runs.push(planned(run as FinishedRun, files, to));
  }
  const notes = [...added, ...finished].flatMap(({ notes }) => notes);
  return { to, runs, refused, notes, totalBytes: bytesAfter(to, runs) };
}

/**
 * Writes what was planned. A file that holds the same already is left as it is.
 *
 * @throws {RangeError} If the folder would have more than `limit` bytes; nothing is written then.
 * @throws {Error} If the disk refuses.
 */
export function writeShipping(
  { to, runs, totalBytes }: ShippingPlan,
  { limit = shippedLimit }: { readonly limit?: number } = {},
): void {
  if (totalBytes > limit) {
    throw new RangeError(
      `Cannot ship: ${to} would hold ${megabytes(totalBytes)} MB, at most ${
        megabytes(limit)
      } are ` +
        "allowed; ship the weights of fewer runs (--weights), or fewer runs",
    );
  }
  Deno.mkdirSync(to, { recursive: true });
  for (const run of runs) {
    const path = packagePath(to, run.id);
    const weights = weightsFiles(to, run);
    for (const [file, bytes] of weights) replaceIfOther(file, bytes); // before the package that names it
    if (!holdsSame(path, run.package)) replaceFile(path, run.package);
    for (const file of weightsThere(to, run)) if (!weights.has(file)) removeIfThere(file);
  }
}

/** The files of weights that a run will have, with their contents. */
function weightsFiles(to: string, { id, weights, snapshots = new Map() }: PlannedRun) {
  const files = new Map<string, Uint8Array>();
  if (weights) files.set(shippedWeightsPath(to, id), weights);
  for (const [step, bytes] of snapshots) files.set(shippedSnapshotPath(to, id, step), bytes);
  return files;
}

/** The files of weights that a run has. */
function weightsThere(to: string, { id }: PlannedRun): string[] {
  const isOfRun = new RegExp(`^${RegExp.escape(id)}(-\\d{8,})?\\.safetensors$`);
  return namesIn(to).filter((name) => isOfRun.test(name)).map((name) => join(to, name));
}

/**
 * Ids of the folders that hold a training, or results of a shipped run; sorted.
 *
 * @throws {RangeError} If `outputs` cannot be read.
 */
function runsIn(outputs: string, to: string): string[] {
  let names: string[];
  try {
    names = [...Deno.readDirSync(outputs)].map(({ name }) => name);
  } catch (error) {
    throw new RangeError(`Cannot ship runs of ${outputs}: ${(error as Error).message}`);
  }
  const shipped = new Set(packagesIn(to));
  return names
    .filter((id) => shipped.has(id) || configIn(join(outputs, id))?.recipe !== undefined).sort();
}

function configIn(folder: string): SavedRun | undefined {
  return readJson<SavedRun>(join(folder, "config.json"));
}

/** Of the runs that differ in their seed alone, those with the lowest seed. */
function lowestSeeds(runs: readonly FinishedRun[], to: string): Set<string> {
  const configs = runs.map(({ config }) => config);
  const here = new Set(configs.map(({ id }) => id));
  const shipped = packagesIn(to).filter((id) => !here.has(id)).map((id) => {
    const path = packagePath(to, id);
    const { header } = unpackRun(path, Deno.readFileSync(path));
    return (header as { readonly config: SavedRun }).config;
  });
  const arms = Map.groupBy(
    [...configs, ...shipped],
    (config) => JSON.stringify({ ...config, id: null, seed: null }),
  );
  return new Set(
    [...arms.values()].map((arm) =>
      arm.reduce((least, config) => config.seed < least.seed ? config : least).id
    ),
  );
}

/** What is shipped of a run's weights. */
interface ChosenFiles extends Partial<HalfFiles> {
  /** By their steps; absent if they are not chosen. */
  readonly snapshots?: ReadonlyMap<number, Uint8Array>;
}

/** Reads the files of weights that are chosen, or says why they cannot be shipped. */
function readFiles(
  run: FinishedRun,
  chosen: { readonly weights: boolean; readonly snapshots: boolean },
): ChosenFiles | Refusal {
  const half = chosen.weights ? readHalfFiles(run) : {};
  if ("refused" in half || !chosen.snapshots) return half;
  if (!chosen.weights) {
    return { refused: "snapshots go with the last weights: name it in --weights" };
  }
  try {
    const snapshots = readSnapshots(run.folder);
    return snapshots.size > 0
      ? { ...half, snapshots }
      : { refused: "it has no snapshots; { fresh: true } trains it again and keeps them" };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

/**
 * Puts a run together. If it has the very weights that are shipped of it already, because it was
 * trained once more, it keeps what is shipped, and only what is new is added.
 */
function planned(
  { folder: { id }, header, history, results }: FinishedRun,
  { weights, classifiers, snapshots }: ChosenFiles,
  to: string,
): PlannedRun {
  const digest = weights && sha256(weights);
  const before = digest && packageWith(digest, to, id);
  const base = before || { header, parts: new Map([["history", history]]) };
  const files = snapshots ?? (before ? snapshotsIn(to, id, before.header) : undefined);
  const digests = [...files ?? []].map(([step, bytes]) => ({ step, sha256: sha256(bytes) }));
  return {
    id,
    steps: header.status.step,
    evaluations: [...results.keys()].map((name) => name.replace(".json", "")),
    package: packRun({
      header: {
        ...base.header,
        ...(digest && { weights: { sha256: digest } }),
        ...(digests.length > 0 && { snapshots: digests }),
      },
      parts: new Map([...withResults(base.parts, results), ...classifiers ?? []]),
    }),
    ...(weights && { weights }),
    ...(files && { snapshots: files }),
  };
}

/**
 * The package that is shipped of a run, if it is there with the weights of this checksum; not if it is
 * damaged, since shipping replaces it then.
 */
function packageWith(digest: string, to: string, id: string) {
  const path = packagePath(to, id);
  try {
    const { header, parts } = unpackRun(path, Deno.readFileSync(path));
    const shipped = header as ShippedHeader;
    return shipped.weights?.sha256 === digest ? { header: shipped, parts } : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes that a folder will have once the runs are written. */
function bytesAfter(to: string, runs: readonly PlannedRun[]): number {
  const sizes = new Map<string, number>();
  for (const name of namesIn(to)) sizes.set(join(to, name), Deno.statSync(join(to, name)).size);
  for (const run of runs) {
    for (const file of weightsThere(to, run)) sizes.delete(file);
    for (const [file, { length }] of weightsFiles(to, run)) sizes.set(file, length);
    sizes.set(packagePath(to, run.id), run.package.length);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function namesIn(folder: string): string[] {
  const entries = ifThere(() => [...Deno.readDirSync(folder)]) ?? [];
  return entries.filter(({ isFile }) => isFile).map(({ name }) => name);
}

function replaceIfOther(path: string, bytes: Uint8Array): void {
  const there = ifThere(() => Deno.readFileSync(path));
  if (there === undefined || sha256(there) !== sha256(bytes)) replaceFile(path, bytes);
}

/** Whether a package holds the same; not if it is missing or damaged. */
function holdsSame(path: string, bytes: Uint8Array): boolean {
  try {
    return holdSame(path, Deno.readFileSync(path), bytes);
  } catch {
    return false;
  }
}
