/**
 * `deno task ship [--outputs FOLDER] [run…]`: sets up what is missing, then writes finished runs to
 * `data/shipped/`, which comes with the project; `--help` tells more.
 */
import { runLibraryTask } from "lib/setup/library_task.ts";

if (import.meta.main) await runLibraryTask("experiments/ship_task.ts");
