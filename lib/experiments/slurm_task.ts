/** `deno task slurm` runs this file once everything is set up. It loads no engine. */
import { join } from "@std/path";
import { outputsFolder, projectFolder } from "lib/paths.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { readSlurmArguments, slurmHelp, slurmScript } from "./slurm_script.ts";

/** Submits a script. @returns What `sbatch` says. */
async function submit(script: string): Promise<string> {
  const ended = await new Deno.Command("sbatch", { args: [script] }).output().catch(() =>
    undefined
  );
  if (ended === undefined) {
    throw new Error("Cannot submit: there is no sbatch here; log in where Slurm is, or --dry-run");
  }
  const decoder = new TextDecoder();
  if (!ended.success) throw new Error(`Cannot submit ${script}: ${decoder.decode(ended.stderr)}`);
  return decoder.decode(ended.stdout).trim();
}

async function slurm(args: string[]): Promise<void> {
  const request = readSlurmArguments(args);
  if (request === undefined) return console.log(slurmHelp);
  const logs = join(outputsFolder(), "slurm");
  const script = slurmScript(request, { deno: Deno.execPath(), root: projectFolder, logs });
  if (request.dryRun) return console.log(script);
  await Deno.mkdir(logs, { recursive: true }); // Slurm does not make it
  const path = join(logs, `${new Date().toISOString().replace(/[:.]/g, "-")}.sh`);
  replaceFile(path, script);
  console.log(`${await submit(path)}; its script is ${path}, its output goes to ${logs}`);
}

if (import.meta.main) {
  try {
    await slurm(Deno.args);
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(/^Cannot /.test(message) ? message : stack);
    Deno.exit(1);
  }
}
