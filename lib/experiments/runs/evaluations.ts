/**
 * Keeps results of evaluations in the run's folder, so that a cell that is run again loads them.
 */
import { join } from "@std/path";
import { replaceFile } from "lib/weights/replace_file.ts";
import type { RunFolder } from "./run_folder.ts";
import { mayCompute } from "./saved_only.ts";

/** One result, with everything that decides it. */
interface Entry {
  readonly options: unknown;
  readonly result: unknown;
}

export interface EvaluatedOptions {
  /** The name of the file in the run's folder: `linear`, `knn`. */
  readonly name: string;
  /**
   * Everything that changes the result, the checkpoint's step too: plain data, with its keys always
   * in one order.
   */
  readonly options: object;
  /** Compute it anew. */
  readonly fresh: boolean;
}

/**
 * Loads the result of an evaluation from `outputs/<run>/<name>.json`, if that has one for the same
 * options; else computes it and puts it there. The result is what JSON makes of it either way;
 * numbers that JSON cannot hold, such as the loss of a rate that diverged, are NaN.
 *
 * @throws {NotSavedError} If it is not there and `BCSSL_SAVED` is `only`.
 * @throws What `compute` throws; the file stands as it was.
 */
export async function evaluated<T>(
  { id, path }: RunFolder,
  { name, options, fresh }: EvaluatedOptions,
  compute: () => Promise<T>,
): Promise<T> {
  const file = join(path, `${name}.json`);
  const key = JSON.stringify(options);
  const has = (entry: Entry) => JSON.stringify(entry.options) === key;
  const kept = fresh ? undefined : readEntries(file).find(has);
  if (kept) return kept.result as T;
  mayCompute(`the ${name} of ${id}`);
  const computed: Entry = { options, result: await compute() };
  const others = readEntries(file).filter((entry) => !has(entry)); // as it is now: another cell may have added to it
  Deno.mkdirSync(path, { recursive: true });
  replaceFile(file, JSON.stringify([...others, computed], null, 2) + "\n");
  return parse(JSON.stringify(computed.result)) as T;
}

/**
 * The file of weights that were fitted on a run's features, in the run's folder.
 *
 * @param name What they are of: `teacher`.
 */
export function fittedWeightsPath({ path }: RunFolder, name: string): string {
  return join(path, `${fittedPrefix}${name}.safetensors`);
}

const fittedPrefix = "classifier-";

/**
 * Removes all results of evaluations and all fitted weights from a run's folder. Other files stay,
 * JSON files too.
 */
export function removeEvaluations(path: string): void {
  for (const { name, isFile } of [...Deno.readDirSync(path)]) {
    const file = join(path, name);
    const fitted = name.startsWith(fittedPrefix) && name.endsWith(".safetensors");
    if (isFile && (fitted || name.endsWith(".json") && isEvaluation(file))) Deno.removeSync(file);
  }
}

/** Whether {@linkcode evaluated} wrote a file: it has a list of results, each with its options. */
function isEvaluation(file: string): boolean {
  const entries = readEntries(file);
  return entries.length > 0 &&
    entries.every((entry) => Object.hasOwn(Object(entry), "options") && "result" in entry);
}

/**
 * Reads the kept results. If the file is missing or damaged there are none, and they are computed
 * again.
 */
function readEntries(file: string): Entry[] {
  try {
    const entries = parse(Deno.readTextFileSync(file));
    return Array.isArray(entries) ? entries : [];
  } catch {
    return [];
  }
}

function parse(text: string): unknown {
  return JSON.parse(text, (_, value) => value === null ? NaN : value);
}
