/**
 * `deno task train --config NAME [--scale SCALE] [--seed N] …`: sets up what is missing, then
 * trains; `--help` tells more. A training that is asked to end saves itself first.
 */
import { runLibraryTask } from "lib/setup/library_task.ts";

if (import.meta.main) await runLibraryTask("experiments/train_task.ts");
