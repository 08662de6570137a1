/**
 * `deno task runs [options] [show|diff|delete|web] [run…]`: fetches the npm packages if they are
 * missing, then lists the runs, compares their configs, deletes some, or serves a page that shows
 * them; `--help` tells more.
 */
import { runLibraryTask } from "lib/setup/library_task.ts";
import { npmStep } from "lib/setup/steps.ts";

if (import.meta.main) await runLibraryTask("report/runs_task.ts", { needs: [npmStep] });
