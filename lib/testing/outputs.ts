/** Folders for the runs that tests train and evaluate. */

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
 * Makes a temporary folder that all tests of a file share; it is removed at the end. A run that
 * several tests need is trained once, by the first of them, and loaded by the others.
 *
 * @returns A function that calls the body of a test with `outputs/` in that folder.
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
