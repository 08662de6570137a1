/**
 * Writes files so that they are there whole or not at all, and takes fingerprints of their
 * contents.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";

/** Writes a temporary file beside `path`, then renames it; makes the folder if needed. */
export async function writeFileWhole(path: string, contents: string | Uint8Array): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${Deno.pid}.partial`;
  await Deno.writeFile(
    partial,
    typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
  );
  await Deno.rename(partial, path);
}

/** Whether something is at `path`; a link that leads nowhere is not there. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * 16 hex digits that change when any part does. Parts are kept apart: ("ab", "c") is not ("a",
 * "bc").
 */
export function fingerprint(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 16);
}

/** {@linkcode fingerprint} of files' names and contents; a missing file counts as such. */
export async function fingerprintFiles(paths: readonly string[]): Promise<string> {
  const contents = await Promise.all(
    paths.map((path) => Deno.readFile(path).catch(() => "missing")),
  );
  return fingerprint(paths.flatMap((path, i) => [path, contents[i]!]));
}
