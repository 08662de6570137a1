/**
 * What a thread's code is made of, as it was when this process loaded its own. A thread that is
 * started later reads the files anew: after an edit of `lib` it would run new code beside the old,
 * and the crops would be neither those of the old code nor those of the new.
 */
import { dirname, fromFileUrl, join } from "@std/path";

/** Texts of source files, by path. */
export type Sources = ReadonlyMap<string, string>;

const lib = join(dirname(fromFileUrl(import.meta.url)), "..", "..");

/**
 * A file and all files that it imports, directly or not. Packages are not followed: nobody edits
 * them.
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

/** A file that cannot be read is an empty one: whoever loads it says it better. */
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
 * Compares what a thread would load now with what this process has loaded.
 *
 * @throws {Error} If a file has changed; names it and says what to do.
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
