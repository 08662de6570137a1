/**
 * `deno task gpu:check [--engine webgpu|cuda] [--small] [--gpu N] [--python PATH]`: sets up what is
 * missing, then checks the GPU's numbers against a CPU's, and measures memory and speed.
 */
import { runLibraryTask } from "lib/setup/library_task.ts";

if (import.meta.main) await runLibraryTask("gpu_check/check_task.ts");
