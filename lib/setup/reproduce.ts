/**
 * `deno task reproduce [notebook…] [--scale smoke|laptop|paper] [--twice]`: runs notebooks
 * headless; executed copies go to `outputs/notebooks`, figures (which the notebooks themselves
 * write) to `outputs/figures`.
 */
import { basename, dirname } from "node:path";
import { checkCells } from "lib/setup/notebooks/check_cells.ts";
import {
  type CodeCell,
  codeCells,
  findNotebooks,
  type Notebook,
  readNotebook,
  writeNotebook,
} from "lib/setup/notebooks/notebook.ts";
import { resultsDir, root } from "lib/setup/install/project.ts";
import { type CellResult, runNotebook, withOutputs } from "lib/setup/notebooks/run_notebook.ts";
import { whenNpxEnds } from "lib/setup/install/npx_ends.ts";
import { setUp } from "lib/setup/setup.ts";
import { cellProgress } from "lib/setup/notebooks/cell_progress.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";
import { snapshot, writtenBetween } from "lib/setup/notebooks/written_files.ts";

export const scales = ["smoke", "laptop", "paper"] as const;

/** @throws {RangeError} If there is no scale of this name. */
export function checkScale(scale: string | undefined): void {
  if (scale === undefined || scales.some((name) => name === scale)) return;
  throw new RangeError(`Cannot take scale "${scale}": there are ${scales.join(", ")}`);
}

export interface ReproduceOptions {
  /** Replaces the notebook's own scale (by the environment variable `BCSSL_SCALE`). */
  readonly scale?: string;
  /** How many times all cells are run, in one kernel. */
  readonly passes?: number;
  readonly signal?: AbortSignal;
  readonly kill?: AbortSignal;
  /** Where the executed copy goes. */
  readonly outputDir?: string;
}

/** What happened to one notebook. */
export interface Reproduction {
  readonly path: string;
  /** The executed copy. */
  readonly copy: string;
  /** Results of every pass, in order. */
  readonly results: readonly CellResult[];
  /** What went wrong: the cell, the error, its source; undefined if all cells ran. */
  readonly failure?: string;
}

/** Runs one notebook, showing each cell's progress on the terminal. */
export async function reproduce(
  path: string,
  options: ReproduceOptions = {},
): Promise<Reproduction> {
  const { scale, passes = 1, signal, kill, outputDir = `${resultsDir}/notebooks` } = options;
  const notebook = await readNotebook(path);
  const cells = codeCells(notebook);
  const results = await runNotebook(notebook, {
    ...cellProgress(cells, passes),
    cwd: dirname(path), // as in JupyterLab
    env: scale === undefined ? {} : { BCSSL_SCALE: scale },
    passes,
    signal,
    kill,
  });
  await Deno.mkdir(outputDir, { recursive: true });
  const copy = `${outputDir}/${basename(path)}`;
  await writeNotebook(copy, withOutputs(notebook, results.slice(0, cells.length)));
  const failure = describeFailure(path, cells, results, passes);
  return { path, copy, results, ...(failure && { failure }) };
}

function describeFailure(
  path: string,
  cells: readonly CodeCell[],
  results: readonly CellResult[],
  passes: number,
): string | undefined {
  const { length } = results;
  const last = results.at(-1);
  const name = basename(path, ".ipynb");
  if (last === undefined || last.status === "ok") {
    return length === cells.length * passes
      ? undefined
      : `Cannot finish ${name}: interrupted after ${length} of ${cells.length * passes} cells`;
  }
  const cell = cells[last.index % cells.length]!;
  if (last.error?.startsWith(interrupted)) {
    const said = last.error.replace("run the cell again to go on", "the same command goes on");
    return `Cannot finish ${name}: cell ${cell.number}: ${said}`;
  }
  const trace = last.outputs.flatMap((o) => o.output_type === "error" ? o.traceback.slice(1) : []);
  const lines = [...cell.source.split("\n").map((line) => `| ${line}`), ...trace];
  return [`Cannot finish ${name}: cell ${cell.number} failed: ${last.error}`, ...lines]
    .filter((line) => line !== "").join("\n    ");
}

/** How the error of a cell begins whose run was stopped, and saved. */
const interrupted = "Interrupted: ";

/**
 * The first Ctrl-C, or a SIGTERM, interrupts the running cell, which may save its work; the second
 * ends the kernel.
 */
function interrupts(): { signal: AbortSignal; kill: AbortSignal } {
  const [first, second] = [new AbortController(), new AbortController()];
  const interrupt = () => {
    if (first.signal.aborted) second.abort();
    else console.log("\nStopping: a run saves itself. Ctrl-C again ends the kernel now.");
    first.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
  whenNpxEnds(() => first.abort());
  return { signal: first.signal, kill: second.signal };
}

async function task(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args, {
    scale: { type: "string" },
    twice: { type: "boolean", default: false },
  }, { positionals: true });
  checkScale(values.scale);
  const paths = await findNotebooks(positionals);
  if (paths.length === 0) throw new Error("Cannot reproduce: there is no notebook in notebooks/");
  await setUp({ quiet: true });
  const notebooks = new Map<string, Notebook>();
  for (const path of paths) notebooks.set(path, await readNotebook(path));
  const complaints = await checkCells(notebooks);
  if (complaints) throw new Error(`Cannot reproduce: the cells have errors\n${complaints}`);
  const before = await snapshot("figures");
  const failures = await reproduceAll(paths, {
    scale: values.scale,
    passes: values.twice ? 2 : 1,
    ...interrupts(),
  });
  const figures = writtenBetween(before, await snapshot("figures"));
  if (figures.length > 0) console.log(`Figures in ${resultsDir}/figures: ${figures.join(", ")}`);
  for (const failure of failures) console.error(`\n${failure}`);
  return failures.length > 0 ? 1 : 0;
}

async function reproduceAll(
  paths: readonly string[],
  options: ReproduceOptions,
): Promise<string[]> {
  const failures: string[] = [];
  for (const path of paths) {
    if (options.signal?.aborted) break;
    console.log(`${basename(path, ".ipynb")}${options.scale ? ` at scale ${options.scale}` : ""}`);
    const { copy, failure } = await reproduce(path, options);
    console.log(`  written to ${copy.replace(`${root}/`, "")}`);
    if (failure) failures.push(failure);
  }
  return failures;
}

if (import.meta.main) {
  await main(async (args) => {
    const code = await task(args);
    Deno.exit(code); // the signal listener would keep the process
  });
}
