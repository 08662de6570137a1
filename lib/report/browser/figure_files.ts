/** The figures in `outputs/figures/`, for a page to show. */
import { join } from "@std/path";
import { outputsFolder } from "lib/paths.ts";
import { ifThere } from "lib/runs/if_there.ts";

/** A figure: one name, in one format or several. */
export interface ListedFigure {
  /** `kernel_size` */
  readonly name: string;
  /** Names of its files, SVG first. */
  readonly files: readonly string[];
  /** Changes whenever the figure is drawn again. */
  readonly version: number;
}

const types: Readonly<Record<string, string>> = { svg: "image/svg+xml", png: "image/png" };

function extensionOf(file: string): string {
  return file.slice(file.lastIndexOf(".") + 1);
}

/** Lists the figures in a folder by name; none if there is no such folder. */
export function listFigures(folder: string): ListedFigure[] {
  const files = filesIn(folder).filter((name) => extensionOf(name) in types)
    .sort((a, b) => extensionOf(b).localeCompare(extensionOf(a)));
  const figures = Map.groupBy(files, (file) => file.slice(0, file.lastIndexOf(".")));
  return [...figures].map(([name, files]) => ({
    name,
    files,
    version: Math.max(...files.map((file) => timeOf(join(folder, file)))),
  })).sort((a, b) => a.name.localeCompare(b.name));
}

/** A file of a figure; `undefined` if there is none of this name among those that are listed. */
export function figureFile(
  name: string,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string } | undefined {
  const folder = join(outputsFolder(), "figures");
  if (!listFigures(folder).some(({ files }) => files.includes(name))) return undefined;
  return { bytes: Deno.readFileSync(join(folder, name)), type: types[extensionOf(name)]! };
}

function filesIn(folder: string): string[] {
  const entries = ifThere(() => [...Deno.readDirSync(folder)]) ?? [];
  return entries.flatMap(({ isFile, name }) => isFile ? [name] : []);
}

/** Milliseconds; 0 if the file is gone. */
function timeOf(path: string): number {
  return ifThere(() => Deno.statSync(path))?.mtime?.getTime() ?? 0;
}
