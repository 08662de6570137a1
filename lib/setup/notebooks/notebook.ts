/** Notebooks as files: the part of nbformat 4 that this project reads and writes. */
import { basename } from "node:path";
import type { Output } from "lib/setup/notebooks/cell_outputs.ts";
import { exists, writeFileWhole } from "lib/setup/install/files.ts";
import { notebooksDir } from "lib/setup/install/project.ts";

export interface Cell {
  cell_type: "code" | "markdown" | "raw";
  id?: string;
  /** One string, or lines with their line ends. */
  source: string | string[];
  metadata: Record<string, unknown>;
  outputs?: Output[];
  execution_count?: number | null;
}

export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** A code cell with its place: `number` counts code cells from 1, `index` all cells from 0. */
export interface CodeCell {
  readonly number: number;
  readonly index: number;
  readonly source: string;
}

export function sourceOf(cell: Cell): string {
  return typeof cell.source === "string" ? cell.source : cell.source.join("");
}

/** The code cells that hold code. */
export function codeCells(notebook: Notebook): CodeCell[] {
  let number = 0;
  return notebook.cells.flatMap((cell, index) => {
    const source = sourceOf(cell);
    if (cell.cell_type !== "code" || source.trim() === "") return [];
    return [{ number: ++number, index, source }];
  });
}

/** @throws {TypeError} If the file is no notebook of format 4. */
export async function readNotebook(path: string): Promise<Notebook> {
  const text = await Deno.readTextFile(path);
  try {
    const notebook = JSON.parse(text);
    if (notebook.nbformat === 4 && Array.isArray(notebook.cells)) return notebook;
  } catch { /* told below, like any other file that is no notebook */ }
  throw new TypeError(
    `Cannot read ${path}: not a notebook of format 4; save it again from JupyterLab`,
  );
}

/** Writes {@linkcode notebookText}. */
export async function writeNotebook(path: string, notebook: Notebook): Promise<void> {
  await writeFileWhole(path, notebookText(notebook));
}

/**
 * The file that JupyterLab makes of a notebook, to the byte: keys in alphabetical order, indented
 * by 1, text as lines. A notebook that differs from it is changed by being opened, which Git then
 * takes for somebody's work. (Numbers that Python writes otherwise, as 1e-7, are the exception:
 * only data of JSON types could hold one.)
 */
export function notebookText(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: lines(sourceOf(cell)),
    ...(cell.outputs && { outputs: cell.outputs.map(outputWithLines) }),
  }));
  return JSON.stringify(sorted({ ...notebook, cells }), null, 1) + "\n";
}

/** The same value with the keys of all objects in it in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted((value as Cell["metadata"])[key])]));
}

/** Lines with their ends, where Python's `splitlines` ends them. */
function lines(text: string): string[] {
  // deno-lint-ignore no-control-regex -- Python counts them as line ends
  return text.match(/[^]*?(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])|[^]+$/g) ?? [];
}

function outputWithLines(output: Output): unknown {
  if (output.output_type === "stream") return { ...output, text: lines(asText(output.text)) };
  if (output.output_type === "error") return output;
  const data = Object.entries(output.data).map(([type, value]) => {
    const isText = type.startsWith("text/") || textTypes.includes(type);
    return [type, isText && typeof value === "string" ? lines(value) : value];
  });
  return { ...output, data: Object.fromEntries(data) };
}

/** Types whose data is written as lines, besides `text/…`. */
const textTypes = ["application/javascript", "image/svg+xml"];

/** Joins the text of a stream, which a file may hold as lines. */
function asText(text: string | string[]): string {
  return typeof text === "string" ? text : text.join("");
}

/** Paths of all notebooks in `dir`, in order. */
export async function listNotebooks(dir: string = notebooksDir): Promise<string[]> {
  const paths: string[] = [];
  if (!await exists(dir)) return paths;
  for await (const { name, isFile } of Deno.readDir(dir)) {
    if (isFile && name.endsWith(".ipynb") && !name.startsWith(".")) paths.push(`${dir}/${name}`);
  }
  return paths.sort();
}

/**
 * The notebooks a person named, with or without `.ipynb`; all of them when none is named.
 *
 * @throws {RangeError} If one does not exist; the message lists those that do.
 */
export async function findNotebooks(
  names: readonly string[],
  dir: string = notebooksDir,
): Promise<string[]> {
  const paths = await listNotebooks(dir);
  if (names.length === 0) return paths;
  return names.map((name) => {
    const wanted = basename(name).replace(/\.ipynb$/, "");
    const path = paths.find((path) => basename(path, ".ipynb") === wanted);
    if (path !== undefined) return path;
    const known = paths.map((path) => basename(path, ".ipynb")).join(", ") || "none yet";
    throw new RangeError(`Cannot find notebook "${name}": there are ${known}`);
  });
}
