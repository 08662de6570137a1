/** Finds out which figures and tables have been written. */
import { resultsDir } from "lib/setup/install/project.ts";

/** The files of a folder of `outputs/`, and what changes when one is written again. */
export type Snapshot = ReadonlyMap<string, string>;

/**
 * Files are written beside their place and renamed, so each has a new inode; the clock of file
 * systems is coarse.
 */
export async function snapshot(
  kind: "figures" | "tables",
  outputs: string = resultsDir,
): Promise<Snapshot> {
  const dir = `${outputs}/${kind}`;
  const files = new Map<string, string>();
  try {
    for await (const { name } of Deno.readDir(dir)) {
      const { ino, mtime } = await Deno.stat(`${dir}/${name}`);
      files.set(name, `${ino} ${mtime?.getTime()}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files;
}

/** Names of the files written between two snapshots, sorted. */
export function writtenBetween(before: Snapshot, after: Snapshot): string[] {
  return [...after].filter(([name, state]) => before.get(name) !== state).map(([name]) => name)
    .sort();
}

/** How many figures or tables there are; each is several files, one for each format. */
export function countNames(files: readonly string[]): number {
  return new Set(files.map((file) => file.replace(/\.[^.]*$/, ""))).size;
}
