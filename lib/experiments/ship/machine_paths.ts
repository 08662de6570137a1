/** Finds paths of a machine in plain data: shipped files must not hold them. */
import { homedir } from "node:os";
import { projectFolder } from "lib/paths.ts";

/**
 * The first path in plain data, as where it stands and what it is: `data.train is "~/birds"`.
 * Absolute paths count, those below the home folder, and file addresses.
 *
 * @returns `undefined` if there is none.
 */
export function pathIn(value: unknown, at = ""): string | undefined {
  if (typeof value === "string") return isPath(value) ? `${at} is "${value}"` : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, inside] of Object.entries(value)) {
    const found = pathIn(inside, at === "" ? name : `${at}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isPath(text: string): boolean {
  if (/^(?:[/~]|file:|[A-Za-z]:[\\/]|\\\\)/i.test(text)) return true;
  const folders = [projectFolder, homedir()].filter((folder) => folder.length > 1);
  return folders.some((folder) => text.includes(folder));
}
