/** Files for figures and tables; each is written completely or not at all. */
import { join } from "@std/path";
import { outputsFolder } from "lib/experiments/runs/run_folder.ts";
import { replaceFile } from "lib/weights/replace_file.ts";

/**
 * Writes `outputs/<kind>/<name>.<extension>` for each extension.
 *
 * @throws {RangeError} If the name has anything but letters, digits, `_`, `-` and inner dots.
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

/**
 * Checks a name before anything is drawn.
 *
 * @throws {RangeError} If `name` cannot be a file's name.
 */
export function checkName(name: string): void {
  if (/^\w[\w-]*(\.[\w-]+)*$/.test(name)) return;
  throw new RangeError(
    `Cannot save as ${JSON.stringify(name)}: use letters, digits, "_" and "-", as in "kernel_size"`,
  );
}
