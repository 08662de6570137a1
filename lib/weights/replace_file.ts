/** Writes files of runs, figures and tables completely or not at all. */
import { faultPoint, writeAll } from "lib/runs/fault_points.ts";

/**
 * Writes to a temporary file beside `path`, flushes it to the disk and renames it to `path`.
 *
 * @throws {Error} If the disk refuses; an older file at `path` is unchanged then, and no other file
 *   is left behind.
 */
export function replaceFile(path: string, contents: Uint8Array | string): void {
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  const partial = `${path}.${Deno.pid}.partial`;
  try {
    using file = Deno.openSync(partial, { write: true, create: true, truncate: true });
    faultPoint("file opened", path);
    writeAll(file, bytes, "file half written", path);
    faultPoint("file written", path);
    file.syncDataSync();
    faultPoint("file flushed", path);
    Deno.renameSync(partial, path);
    faultPoint("file renamed", path);
  } catch (error) {
    try {
      Deno.removeSync(partial);
    } catch { /* it was never made */ }
    throw new Error(`Cannot write ${path}: ${(error as Error).message}`);
  }
}
