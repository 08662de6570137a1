/**
 * Tasks whose work a file of the library does, in a process of its own. Run by itself, this file
 * takes the library's file as its first argument.
 */
import { whenNpxEnds } from "lib/setup/install/npx_ends.ts";
import { root } from "lib/setup/install/project.ts";
import type { Step } from "lib/setup/install/step.ts";
import { setUp } from "lib/setup/setup.ts";
import { main } from "lib/setup/task.ts";

/**
 * Sets up what is missing, then runs a file of the library with the task's arguments. SIGINT and
 * SIGTERM are passed on to it, and its exit code is the task's.
 *
 * @param file In `lib`: `experiments/train_task.ts`.
 * @param options.needs The steps of set-up that the file needs; by default, all.
 */
export async function runLibraryTask(
  file: string,
  options: { readonly needs?: readonly Step[] } = {},
): Promise<void> {
  await main(async (args) => {
    await setUp({ quiet: true, ...options });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}/lib/${file}`, ...(import.meta.main ? args.slice(1) : args)],
      cwd: root,
    }).spawn();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => child.kill(signal));
    }
    whenNpxEnds(() => child.kill("SIGTERM"));
    const { code } = await child.status;
    Deno.exit(code); // the signal listeners would keep the process
  });
}

if (import.meta.main) await runLibraryTask(Deno.args[0]!);
