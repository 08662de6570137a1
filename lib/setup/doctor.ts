/**
 * `deno task doctor`: says what is installed, whether it works, and what to do where it does not.
 */
import { mustRun, run } from "lib/setup/install/command.ts";
import { engineChoice } from "lib/setup/install/engine_choice.ts";
import { exists } from "lib/setup/install/files.ts";
import { hasKernelspec } from "lib/setup/install/kernelspec.ts";
import { missingPrerequisites } from "lib/setup/install/prerequisites.ts";
import { jupyterEnv, kernelName, python, root } from "lib/setup/install/project.ts";
import type { Probe } from "lib/setup/install/probe_engine.ts";
import { isReady } from "lib/setup/install/step.ts";
import { steps } from "lib/setup/steps.ts";
import { readArguments } from "lib/task_arguments.ts";
import { main } from "lib/setup/task.ts";

/** One line of the report. */
export interface Finding {
  readonly topic: string;
  readonly says: string;
  /** What to do, if it is broken. */
  readonly mend?: string;
}

const setupMends = 'run "deno task setup"';

async function machine(): Promise<Finding[]> {
  const { os, arch } = Deno.build;
  const memory = (Deno.systemMemoryInfo().total / 2 ** 30).toFixed(0);
  const system = `${os} ${arch}, ${navigator.hardwareConcurrency} cores, ${memory} GiB`;
  const missing = await missingPrerequisites();
  return [
    { topic: "Machine", says: system },
    { topic: "Deno", says: `${Deno.version.deno} at ${Deno.execPath()}` },
    ...missing.map(({ what, mend }) => ({ topic: "Missing", says: what, mend })),
  ];
}

/** All that is made lies in the project's folder; tried, because there are many ways to refuse. */
async function folder(): Promise<Finding> {
  try {
    await Deno.remove(await Deno.makeTempFile({ dir: root, prefix: ".doctor-" }));
    return { topic: "Folder", says: root };
  } catch (error) {
    const says = `${root} cannot be written: ${(error as Error).message}`;
    const mend =
      "make it yours to write, with space on its disk, or clone the project to one that is";
    return { topic: "Folder", says, mend };
  }
}

async function setupState(): Promise<Finding> {
  const ready = await Promise.all(steps.map((step) => isReady(step).catch(() => false)));
  const open = steps.filter((_, i) => !ready[i]).map(({ title }) => title);
  if (open.length === 0) return { topic: "Set-up", says: `all ${steps.length} steps ready` };
  return { topic: "Set-up", says: `not ready: ${open.join("; ")}`, mend: setupMends };
}

async function jupyter(): Promise<Finding[]> {
  const probe = "import sys, jupyterlab; print(sys.version.split()[0], jupyterlab.__version__)";
  const { code, output } = await run(python, ["-c", probe], { env: jupyterEnv() });
  const [pythonVersion, lab] = output.trim().split(" ");
  const kernel = { topic: "Kernel", says: `"${kernelName}" runs ${Deno.execPath()}` };
  return [
    code === 0
      ? { topic: "Jupyter", says: `JupyterLab ${lab} on Python ${pythonVersion}` }
      : { topic: "Jupyter", says: `does not start: ${lastLine(output)}`, mend: setupMends },
    await hasKernelspec()
      ? kernel
      : { ...kernel, says: "missing or of another Deno", mend: setupMends },
  ];
}

/** A program that fails says why in its last line. */
function lastLine(output: string): string {
  return output.trimEnd().split("\n").at(-1)!;
}

/** What failed, and the first error that the program printed. */
function inOneLine(message: string): string {
  const [what, ...output] = message.split("\n");
  // deno-lint-ignore no-control-regex -- the terminal's colours
  const lines = output.map((line) => line.replace(/\x1b\[[0-9;]*m/g, "").trim());
  return [what, lines.find((line) => /error\b/i.test(line))].filter((part) => part).join(": ");
}

/** Loads the engine in a process of its own, which a library that does not fit may crash. */
async function engine(): Promise<Finding[]> {
  try {
    const args = ["run", "-A", `${root}/lib/setup/install/probe_engine.ts`];
    const output = await mustRun("load the engine", Deno.execPath(), args, { cwd: root });
    const { engine, tried, gflops, milliseconds } = JSON.parse(
      /^\{.*\}$/m.exec(output)![0],
    ) as Probe;
    const versions = Object.entries(engine.versions).map((pair) => pair.join(" ")).join(", ");
    const threads = engine.threads > 0 ? `, ${engine.threads} threads` : "";
    const wanted = await engineChoice() === "gpu" ? "GPU" : engine.device;
    const speed = `${milliseconds.toFixed(1)} ms, ${gflops.toFixed(0)} GFLOP/s`;
    return [
      { topic: "Engine", says: `${engine.backend} (${versions})` },
      {
        topic: "Device",
        says: `${engine.device}${threads}${tried ? `: ${tried}` : ""}`,
        ...(wanted !== engine.device && { mend: "update the NVIDIA driver (nvidia-smi shows it)" }),
      },
      { topic: "One op", says: `a product of two 1024 × 1024 matrices: ${speed}` },
    ];
  } catch (error) {
    return [{ topic: "Engine", says: inOneLine((error as Error).message), mend: setupMends }];
  }
}

async function data(): Promise<Finding> {
  const found: string[] = [];
  if (await exists(`${root}/data`)) {
    for await (const { name, isDirectory } of Deno.readDir(`${root}/data`)) {
      if (isDirectory) found.push(name);
    }
  }
  const says = found.sort().join(", ");
  return says ? { topic: "Data", says } : { topic: "Data", says: "none", mend: setupMends };
}

async function examine(): Promise<Finding[]> {
  return [
    ...await machine(),
    await folder(),
    await setupState(),
    ...await jupyter(),
    ...await engine(),
    await data(),
  ];
}

/** A finding as one line; what to do about it is on the next. */
export function findingLine({ topic, says, mend }: Finding): string {
  return `${topic.padEnd(9)}${says}${mend ? `\n         → ${mend}` : ""}`;
}

if (import.meta.main) {
  await main(async (args) => {
    readArguments(args, {});
    const findings = await examine();
    for (const finding of findings) console.log(findingLine(finding));
    const broken = findings.filter(({ mend }) => mend !== undefined).length;
    console.log(broken === 0 ? "All well." : `${broken} to mend.`);
    return broken > 0 ? 1 : 0;
  });
}
