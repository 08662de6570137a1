/** The one way a run, a figure or a table is written: whole or not at all. */

/**
 * Writes to a neighbour of `path`, flushes it to the disk and renames it over `path`.
 *
 * @throws {Error} If the disk refuses; what stood at `path` is then untouched, and nothing else is left behind.
 */
export function replaceFile(path: string, contents: Uint8Array | string): void {
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  const partial = `${path}.${Deno.pid}.partial`;
  try {
    using file = Deno.openSync(partial, { write: true, create: true, truncate: true });
    for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    file.syncDataSync();
    Deno.renameSync(partial, path);
  } catch (error) {
    try {
      Deno.removeSync(partial);
    } catch { /* it was never made */ }
    throw new Error(`Cannot write ${path}: ${(error as Error).message}`);
  }
}
