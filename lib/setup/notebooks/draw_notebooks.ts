/**
 * What `deno task figures` runs, in a process of its own: all cells of each notebook as one module,
 * without Jupyter. Prints a line for each. Arguments: paths of notebooks. Expects
 * `BCSSL_SAVED=only`, so that nothing is trained, evaluated or measured.
 */
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { cellModule } from "lib/setup/notebooks/check_cells.ts";
import { writeFileWhole } from "lib/setup/install/files.ts";
import { readNotebook } from "lib/setup/notebooks/notebook.ts";
import { outputsDir, resultsDir } from "lib/setup/install/project.ts";
import { countNames, snapshot, writtenBetween } from "lib/setup/notebooks/written_files.ts";

/** The result of drawing one notebook. */
interface Drawing {
  readonly name: string;
  readonly figures: number;
  readonly tables: number;
  readonly seconds: number;
  /** Why it stopped: a run that is not saved, or an error. */
  readonly missing?: string;
  readonly failure?: string;
}

async function draw(path: string): Promise<Drawing> {
  const name = basename(path, ".ipynb");
  const module = cellModule(await readNotebook(path));
  const file = `${outputsDir}/.cells/${name}.ts`; // below deno.json, or the cells' imports are not found
  await writeFileWhole(file, module.text);
  Deno.chdir(dirname(path)); // as in JupyterLab
  const [figuresBefore, tablesBefore] = [await snapshot("figures"), await snapshot("tables")];
  const start = performance.now();
  const stopped = await importQuietly(pathToFileURL(file).href);
  const seconds = (performance.now() - start) / 1000;
  const [figures, tables] = [
    countNames(writtenBetween(figuresBefore, await snapshot("figures"))),
    countNames(writtenBetween(tablesBefore, await snapshot("tables"))),
  ];
  const drawn = { name, figures, tables, seconds };
  if (stopped === undefined) return drawn;
  if (stopped.name === "NotSavedError") return { ...drawn, missing: stopped.message };
  const line = stopped.stack?.match(new RegExp(`/\\.cells/${name}\\.ts:(\\d+)`))?.[1];
  const cell = module.origin(Number(line))?.cell;
  return { ...drawn, failure: `${cell ? `cell ${cell}: ` : ""}${stopped.message}` };
}

/** Imports a module and hides what it prints. @returns The error that it threw, if any. */
async function importQuietly(url: string): Promise<Error | undefined> {
  const { log } = console;
  console.log = () => {};
  try {
    await import(url);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    console.log = log;
  }
}

function describe({ name, figures, tables, seconds, missing, failure }: Drawing): string {
  const drawn = [counted(figures, "figure"), counted(tables, "table"), `${seconds.toFixed(1)} s`]
    .join(", ");
  if (failure !== undefined) return `${name}: ${drawn}; failed: ${failure}`;
  if (missing === undefined) return `${name}: ${drawn}`;
  const what = missing.split(": call", 1)[0]; // here it is a task
  return `${name}: ${drawn}, then stopped. ${what}; run "deno task reproduce ${name}"`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

let complete = true;
for (const path of Deno.args) {
  const drawing = await draw(path);
  console.log(describe(drawing));
  complete &&= drawing.missing === undefined && drawing.failure === undefined;
}
console.log(`Figures and tables are in ${resultsDir}`);
Deno.exit(complete ? 0 : 1); // a cell's timer would keep the process
