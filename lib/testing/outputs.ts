/** A folder of runs for tests of what trains and evaluates them. */

/** Calls `run` with `outputs/` in a temporary folder, and removes the folder. */
export async function inOutputs(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await withOutputs(folder, run);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/**
 * Makes a temporary folder for several tests of one file, removed when the file is through. What
 * one of them has trained, the next ones load, so a run that all of them need is trained once.
 *
 * @returns What calls a test's body with `outputs/` in that folder.
 */
export function sharedOutputs(): (run: (folder: string) => Promise<void>) => Promise<void> {
  const folder = Deno.makeTempDirSync();
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return (run) => withOutputs(folder, run);
}

async function withOutputs(folder: string, run: (folder: string) => Promise<void>): Promise<void> {
  Deno.env.set("BCSSL_OUTPUTS", folder);
  try {
    await run(folder);
  } finally {
    Deno.env.delete("BCSSL_OUTPUTS");
  }
}
