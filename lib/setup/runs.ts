/**
 * `deno task runs [options] [show|diff|delete] [run…]`: sets up what is missing, then lists the runs,
 * compares their configs or deletes some; `--help` tells more.
 */
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
    return (await child.status).code;
  });
}
