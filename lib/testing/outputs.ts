/**
 * Folders for the runs that tests train and evaluate. No test sees the runs that come with the
 * project, unless it names a folder of shipped runs of its own.
 */

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
  await withVariables({ BCSSL_OUTPUTS: folder, BCSSL_SHIPPED: "none" }, () => run(folder));
}

/** Calls `run` with environment variables, and then gives them their earlier values. */
export async function withVariables<T>(
  variables: Readonly<Record<string, string>>,
  run: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    return await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}
