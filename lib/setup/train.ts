/**
 * `deno task train --config NAME [--scale SCALE] [--seed N] …`: sets up what is missing, then
 * trains; `--help` tells more.
 */
import { whenNpxEnds } from "lib/setup/npx_ends.ts";
import { root } from "lib/setup/install/project.ts";
import { setUp } from "lib/setup/setup.ts";
import { main } from "lib/setup/task.ts";

if (import.meta.main) {
  await main(async (args) => {
    await setUp({ quiet: true });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}/lib/experiments/train_task.ts`, ...args],
      cwd: root,
    }).spawn();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => child.kill(signal)); // it saves, and its exit code is ours
    }
    whenNpxEnds(() => child.kill("SIGTERM"));
    const { code } = await child.status;
    Deno.exit(code); // the signal listeners would keep the process
  });
}
