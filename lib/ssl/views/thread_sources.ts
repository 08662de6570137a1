/**
 * The source files of a thread, as they were when this process loaded them. A thread that starts
 * later reads the files again. After an edit of `lib`, it would run new code together with the old
 * code of this process, and the crops would come from a mixture of both.
 */
import { dirname, fromFileUrl, join } from "@std/path";

/** Texts of source files, by path. */
export type Sources = ReadonlyMap<string, string>;

const lib = join(dirname(fromFileUrl(import.meta.url)), "..", "..");

/**
 * Reads a file and all files of the project that it imports, directly or not. Packages are left
 * out: nobody edits them.
 */
export function readSources(path: string, root: string = lib): Sources {
  const sources = new Map<string, string>();
  const open = [path];
  while (open.length > 0) {
    const file = open.pop()!;
    if (sources.has(file)) continue;
    const text = readText(file);
    sources.set(file, text);
    open.push(...importsOf(file, text, root));
  }
  return sources;
}

/**
 * The text of a file; empty if it cannot be read. Importing such a file gives a better error
 * message.
 */
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function importsOf(file: string, text: string, root: string): string[] {
  const specifiers = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"\n]+)"/g;
  return [...text.matchAll(specifiers)].flatMap(([, specifier]) => {
    if (specifier!.startsWith("lib/")) return [join(root, specifier!.slice("lib/".length))];
    return specifier!.startsWith(".") ? [join(dirname(file), specifier!)] : [];
  });
}

/**
 * Compares the files that a thread would load now with those that this process has loaded.
 *
 * @throws {Error} If a file has changed; the message names it and says what to do.
 */
export function requireUnchanged(path: string, loaded: Sources, root: string = lib): void {
  for (const [file, text] of readSources(path, root)) {
    if (loaded.get(file) === text) continue;
    const name = file.startsWith(root) ? `lib${file.slice(root.length)}` : file;
    throw new Error(
      `Cannot start a thread for crops: ${name} has changed since this process loaded it; restart it (in a notebook, the kernel), so that all runs the same code`,
    );
  }
}
