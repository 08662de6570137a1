/** Figures and tables on disk, by name, each file whole or not at all. */
import { join } from "@std/path";
import { outputsFolder } from "lib/experiments/runs/run_folder.ts";
import { replaceFile } from "lib/weights/replace_file.ts";

/**
 * Writes `outputs/<kind>/<name>.<extension>` for each extension.
 *
 * @throws {RangeError} If the name is not letters, digits, `_`, `-` and inner dots: it becomes a file's name.
 * @throws {Error} If the folder cannot be written; the message names it.
 */
export async function writeOutputs(
  kind: "figures" | "tables" | "bench",
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  checkName(name);
  const folder = join(outputsFolder(), kind);
  try {
    await Deno.mkdir(folder, { recursive: true });
    for (const [extension, contents] of Object.entries(files)) {
      replaceFile(join(folder, `${name}.${extension}`), contents);
    }
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `Cannot write ${name} to ${folder}: ${message}; free space, or set BCSSL_OUTPUTS`,
    );
  }
}

/** @throws {RangeError} If `name` cannot be a file's name; said before anything is drawn. */
export function checkName(name: string): void {
  if (/^\w[\w-]*(\.[\w-]+)*$/.test(name)) return;
  throw new RangeError(
    `Cannot save as ${JSON.stringify(name)}: use letters, digits, "_" and "-", as in "kernel_size"`,
  );
}
