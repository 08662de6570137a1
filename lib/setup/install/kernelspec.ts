/**
 * The project's own kernel, and JupyterLab's settings, in its Python environment:
 * `deno jupyter --install` would write to the home folder.
 */
import {
  jupyterDataDir,
  kernelDisplayName,
  kernelName,
  python,
  root,
} from "lib/setup/install/project.ts";
import { writeFileWhole } from "lib/setup/install/files.ts";

const path = `${jupyterDataDir}/kernels/${kernelName}/kernel.json`;
const relay = `${root}/lib/setup/notebooks/kernel_relay.py`;

/**
 * The kernel is Deno's behind our relay, which adds what Deno's lacks. It is the Deno that runs
 * set-up, by its full path: with npx, no `deno` is on a server's PATH.
 */
export function kernelspec(deno: string): string {
  const spec = {
    argv: [python, relay, deno, "{connection_file}"],
    display_name: kernelDisplayName,
    language: "typescript",
    env: { TF_CPP_MIN_LOG_LEVEL: "2", NO_COLOR: "1" },
  };
  return JSON.stringify(spec, null, 2) + "\n";
}

/** JupyterLab otherwise asks every newcomer whether it may fetch news. */
const labSettings =
  JSON.stringify({ "@jupyterlab/apputils-extension:notification": { fetchNews: "false" } }) + "\n";
const labSettingsPath = `${jupyterDataDir}/lab/settings/overrides.json`;

/** Whether kernel and settings are as {@linkcode writeKernelspec} leaves them. */
export async function hasKernelspec(deno: string = Deno.execPath()): Promise<boolean> {
  const holds = async (path: string, text: string) =>
    await Deno.readTextFile(path).catch(() => "") === text;
  return await holds(path, kernelspec(deno)) && await holds(labSettingsPath, labSettings);
}

/** Writes the kernel, and JupyterLab's settings where they differ from its own. */
export async function writeKernelspec(deno: string = Deno.execPath()): Promise<void> {
  await writeFileWhole(path, kernelspec(deno));
  await writeFileWhole(labSettingsPath, labSettings);
}
