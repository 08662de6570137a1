/**
 * `deno task runs [options] [show|diff|delete|web] [run…]`: sets up what is missing, then lists the
 * runs, compares their configs, deletes some, or serves a page that shows them; `--help` tells more.
 */
import { whenNpxEnds } from "lib/setup/npx_ends.ts";
import { root } from "lib/setup/install/project.ts";
import { setUp } from "lib/setup/setup.ts";
import { main } from "lib/setup/task.ts";

if (import.meta.main) {
  await main(async (args) => {
    await setUp({ quiet: true });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}/lib/report/runs_task.ts`, ...args],
      cwd: root,
    }).spawn();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => child.kill(signal)); // it ends, and its exit code is ours
    }
    whenNpxEnds(() => child.kill("SIGTERM"));
    const { code } = await child.status;
    Deno.exit(code); // the signal listeners would keep the process
  });
}
