/** The folder of downloaded and derived files, and the one way they are written. */
import { dirname, fromFileUrl, join } from "@std/path";

/** The absolute path of `data/` in this project, or of a folder in it. */
export function dataFolder(...names: string[]): string {
  return join(fromFileUrl(new URL("../../../data", import.meta.url)), ...names);
}

/**
 * Writes a file completely or not at all: under a temporary name beside it, which is then renamed.
 * Creates its folder.
 *
 * Two processes may do this at once: the last to finish wins, and no reader sees half a file.
 */
export async function writeAtomically(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    for await (const part of parts) await writeAll(file, part);
    await Deno.rename(temporary, path);
  } catch (error) {
    // It may not exist yet; the first error is the one to report.
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/**
 * Whether a path exists. @throws Errors of the file system, except that the path does not exist.
 */
export async function exists(path: string): Promise<boolean> {
  return await stat(path) !== undefined;
}

/** What is at a path; `undefined` if nothing is. */
export async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return;
    throw error;
  }
}
