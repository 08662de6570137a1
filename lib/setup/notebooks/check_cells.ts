/** Type-checks notebooks, which the kernel does not. */
import { basename } from "node:path";
import { run } from "lib/setup/install/command.ts";
import { writeFileWhole } from "lib/setup/install/files.ts";
import { codeCells, type Notebook } from "lib/setup/notebooks/notebook.ts";
import { outputsDir, root } from "lib/setup/install/project.ts";

/** A line of a cell. Both count from 1; cells without code are not counted. */
export interface CellLine {
  readonly cell: number;
  readonly line: number;
}

/** One module made of all code cells, and where its lines come from. */
export interface CellModule {
  readonly text: string;
  /** The cell and line of the module's line (from 1); undefined for lines between cells. */
  origin(line: number): CellLine | undefined;
}

export function cellModule(notebook: Notebook): CellModule {
  const lines: string[] = [];
  const origins: (CellLine | undefined)[] = [];
  const add = (text: string, origin?: CellLine) => {
    lines.push(text);
    origins.push(origin);
  };
  for (const { number, source } of codeCells(notebook)) {
    source.split("\n").forEach((text, i) => add(text, { cell: number, line: i + 1 }));
    add(";"); // or a cell that ends without one would go on in the next
  }
  add("export {};"); // makes it a module, for a notebook without imports
  return { text: lines.join("\n") + "\n", origin: (line) => origins[line - 1] };
}

/**
 * Checks all cells of each notebook, in order, as one module.
 *
 * @param notebooks Notebooks by path; the result names them by it.
 * @returns The compiler's complaints, placed in notebook, cell and line; empty if there are none.
 */
export async function checkCells(
  notebooks: ReadonlyMap<string, Notebook>,
  dir = `${outputsDir}/.cells`,
): Promise<string> {
  if (notebooks.size === 0) return "";
  const modules = new Map<string, { path: string; module: CellModule }>();
  for (const [path, notebook] of notebooks) {
    const module = cellModule(notebook);
    // Numbered, since a notebook and its solution have the same name.
    const file = `${dir}/${modules.size}_${basename(path, ".ipynb")}.ts`;
    await writeFileWhole(file, module.text);
    modules.set(file, { path, module });
  }
  const args = ["check", "--quiet", ...modules.keys()];
  const { code, output } = await run(Deno.execPath(), args, { cwd: root, env: { NO_COLOR: "1" } });
  if (code === 0) return "";
  return withoutNoise(output).replace(
    /file:\/\/(\S+?):(\d+):(\d+)/g,
    (whole, file, line, column) => {
      const from = modules.get(decodeURI(file));
      const origin = from?.module.origin(Number(line));
      if (!from || !origin) return whole;
      return `${shortPath(from.path)}, cell ${origin.cell}, line ${origin.line}:${column}`;
    },
  );
}

function withoutNoise(output: string): string {
  return output.replace(/\n*Stack backtrace:[^]*$/, "").trim();
}

/** A path inside the project, relative to it; other paths stay as they are. */
function shortPath(path: string): string {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}
