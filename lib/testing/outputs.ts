/** Runs, for tests of what trains and evaluates them. */

/** Runs with `outputs/` in a temporary folder, and removes it. */
export async function inOutputs(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  Deno.env.set("BCSSL_OUTPUTS", folder);
  try {
    await run(folder);
  } finally {
    Deno.env.delete("BCSSL_OUTPUTS");
    Deno.removeSync(folder, { recursive: true });
  }
}
