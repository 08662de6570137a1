/**
 * `deno task ship [--outputs FOLDER] [run…]`: sets up what is missing, then writes finished runs to
 * `data/shipped/`, which comes with the project; `--help` tells more.
 */
import { root } from "lib/setup/install/project.ts";
import { setUp } from "lib/setup/setup.ts";
import { main } from "lib/setup/task.ts";

if (import.meta.main) {
  await main(async (args) => {
    await setUp({ quiet: true });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}/lib/experiments/ship_task.ts`, ...args],
      cwd: root,
    }).spawn();
    return (await child.status).code;
  });
}
