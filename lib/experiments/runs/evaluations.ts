/**
 * Keeps the results of evaluations in the run's folder, so that a notebook cell that is run again
 * loads them.
 */
import { join } from "@std/path";
import { replaceFile } from "lib/weights/replace_file.ts";
import type { RunFolder } from "./run_folder.ts";
import { mayCompute } from "./saved_only.ts";
import { type ShippedRun, shippedRun } from "./shipped.ts";

/** One result, with all options that it depends on. */
interface Entry {
  readonly options: unknown;
  /**
   * Checksum of the shipped weights that were evaluated; absent for a run that was trained here.
   */
  readonly shipped?: string;
  readonly result: unknown;
}

export interface EvaluatedOptions {
  /** The name of the file in the run's folder: `linear`, `knn`. */
  readonly name: string;
  /**
   * All options that the result depends on, the checkpoint's step too. It is plain data, with its
   * keys always in the same order.
   */
  readonly options: object;
  /** Whether to compute the result again even if it is there. */
  readonly fresh: boolean;
}

/**
 * Loads the result of an evaluation from `outputs/<run>/<name>.json`, or from the shipped run if
 * the run is not trained here, if there is one for the same options; otherwise computes it and
 * saves it in `outputs/`. In both cases the result has gone through JSON: numbers that JSON cannot
 * hold, such as an infinite loss, become NaN.
 *
 * @throws {NotSavedError} If the result is not saved and `BCSSL_SAVED` is `only`.
 * @throws What `compute` throws; the file is unchanged then.
 */
export async function evaluated<T>(
  folder: RunFolder,
  { name, options, fresh }: EvaluatedOptions,
  compute: () => Promise<T>,
): Promise<T> {
  const { id, path } = folder;
  const file = join(path, `${name}.json`);
  const key = JSON.stringify(options);
  const has = (entry: Entry) => JSON.stringify(entry.options) === key;
  const run = shippedRun(folder);
  const shipped = run?.weights?.sha256;
  // Results of shipped weights count for these weights alone.
  const usable = (entry: Entry) => entry.shipped === undefined || entry.shipped === shipped;
  const own = () => readEntries(file).filter(usable);
  const saved = fresh
    ? undefined
    : own().find(has) ?? shippedEntries(run, name).find((entry) => usable(entry) && has(entry));
  if (saved) return saved.result as T;
  mayCompute(`the ${name} of ${id}`);
  const computed: Entry = { options, ...(shipped && { shipped }), result: await compute() };
  // The file is read again: another cell may have added a result meanwhile.
  const others = own().filter((entry) => !has(entry));
  Deno.mkdirSync(path, { recursive: true });
  replaceFile(file, JSON.stringify([...others, computed], null, 2) + "\n");
  return parse(JSON.stringify(computed.result)) as T;
}

/**
 * Path, in the run's folder, of the weights of a classifier that was trained on the run's features.
 *
 * @param name The subject whose features they are: `teacher`.
 */
export function fittedWeightsPath({ path }: RunFolder, name: string): string {
  return join(path, `${fittedPrefix}${name}.safetensors`);
}

const fittedPrefix = "classifier-";

/** Name of the subject, if a file of this name holds a classifier of its features. */
export function fittedSubject(file: string): string | undefined {
  return /^classifier-(.+)\.safetensors$/.exec(file)?.[1];
}

/**
 * Removes all results of evaluations and all classifiers from a run's folder. Other files stay,
 * even other JSON files.
 */
export function removeEvaluations(path: string): void {
  for (const { name, isFile } of [...Deno.readDirSync(path)]) {
    const file = join(path, name);
    const fitted = fittedSubject(name) !== undefined;
    if (isFile && (fitted || isEvaluation(file))) Deno.removeSync(file);
  }
}

/** Whether {@linkcode evaluated} wrote a file: it has a list of results, each with its options. */
export function isEvaluation(file: string): boolean {
  if (!file.endsWith(".json")) return false;
  const entries = readEntries(file);
  return entries.length > 0 &&
    entries.every((entry) => Object.hasOwn(Object(entry), "options") && "result" in entry);
}

/**
 * Reads the saved results. A file that is missing or damaged gives none, so that they are computed
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

function shippedEntries(run: ShippedRun | undefined, name: string): Entry[] {
  const bytes = run?.file(`${name}.json`);
  return bytes === undefined ? [] : parse(new TextDecoder().decode(bytes)) as Entry[];
}

function parse(text: string): unknown {
  return JSON.parse(text, (_, value) => value === null ? NaN : value);
}
