/** Which figures and tables have been written. */
import { resultsDir } from "lib/setup/project.ts";

/** Files of `outputs/figures` or `outputs/tables` written at a time (ms since 1970) or later, sorted. */
export async function writtenSince(
  kind: "figures" | "tables",
  time: number,
  outputs: string = resultsDir,
): Promise<string[]> {
  const dir = `${outputs}/${kind}`;
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(dir)) {
      const { mtime } = await Deno.stat(`${dir}/${name}`);
      if (mtime !== null && mtime.getTime() >= time) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

/** How many there are, each in several formats. */
export function countNames(files: readonly string[]): number {
  return new Set(files.map((file) => file.replace(/\.[^.]*$/, ""))).size;
}
