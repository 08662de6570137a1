/**
 * `deno task gpu:check [--engine webgpu|cuda] [--small] [--gpu N] [--python PATH]`: what a person
 * with a GPU runs first, and sends us. It compares every kernel, operation and family of networks,
 * and twenty steps of DINO, with a CPU, and measures memory and speed, beside PyTorch's where an
 * interpreter that has it is given. It takes up to ten minutes.
 *
 * It writes a table, and `outputs/gpu-check-<engine>.json`; the last line says whether all is well.
 * Where it passes on CUDA at full sizes, our kernels for it are in use on this machine from then on.
 */
import { rememberCudaCheck } from "lib/native/cuda_library.ts";
import { outputsFolder } from "lib/paths.ts";
import { readArguments } from "lib/task_arguments.ts";
import { isSoftware, requestAdapter } from "lib/tf_adapter.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { checkEngine } from "./check_engine.ts";
import { engines, type GpuEngine } from "./processes.ts";
import { type Findings, findingsJson, hasPassed, verdict } from "./report.ts";

/** Seconds that the check of all engines may take. */
const seconds = 570;

/** What is asked for. */
interface Asked {
  readonly engines: readonly GpuEngine[];
  readonly small: boolean;
  readonly gpu?: string;
  readonly python?: string;
}

/** @throws {RangeError} If an option or its value is unknown. */
async function readOptions(args: string[]): Promise<Asked> {
  const { values } = readArguments(args, {
    engine: { type: "string" },
    small: { type: "boolean", default: false },
    gpu: { type: "string" },
    python: { type: "string" },
  });
  const { engine, small, gpu, python } = values;
  if (gpu !== undefined && !/^\d+$/.test(gpu)) {
    throw new RangeError(`Cannot take GPU "${gpu}": need its number, as nvidia-smi counts them`);
  }
  const wanted = engines.find((name) => name === engine);
  if (engine !== undefined && wanted === undefined) {
    throw new RangeError(`Cannot check engine "${engine}": there are ${engines.join(", ")}`);
  }
  const found = await hasNvidia() ? engines : ["webgpu" as const];
  return { engines: wanted === undefined ? found : [wanted], small, gpu, python };
}

async function hasNvidia(): Promise<boolean> {
  return (await nvidia()) !== undefined;
}

/** Name, driver, memory and compute capability of NVIDIA's GPUs; `undefined` if there is none. */
async function nvidia(): Promise<string | undefined> {
  const query = "name,driver_version,memory.total,compute_cap";
  try {
    const args = [`--query-gpu=${query}`, "--format=csv,noheader"];
    const { success, stdout } = await new Deno.Command("nvidia-smi", { args, stderr: "null" })
      .output();
    const text = new TextDecoder().decode(stdout).trim();
    return success && text ? text.replaceAll("\n", "; ") : undefined;
  } catch {
    return undefined;
  }
}

/** The device in words, and whether it is a GPU in software, on which full sizes take hours. */
async function deviceOf(engine: GpuEngine): Promise<{ words: string; software: boolean }> {
  const driver = await nvidia();
  if (engine === "cuda") return { words: driver ?? "no NVIDIA GPU", software: false };
  const adapter = await requestAdapter();
  if (adapter === undefined) return { words: "no WebGPU adapter", software: false };
  const { vendor, architecture, device, description } = adapter.info;
  const words = [description || "unnamed device", vendor, architecture, device, driver]
    .filter((part) => part).join(", ");
  return { words, software: isSoftware(description) };
}

function systemInWords(): string {
  const { os, arch } = Deno.build;
  return `${os} ${Deno.osRelease()} ${arch}, ${navigator.hardwareConcurrency} cores, Deno ${Deno.version.deno}`;
}

async function check(engine: GpuEngine, asked: Asked, share: number): Promise<Findings> {
  const { words: device, software } = await deviceOf(engine);
  const sizes = asked.small || software ? "small" : "full";
  const system = systemInWords();
  const write = (line: string) => console.log(line);
  write(`Engine  ${engine}, ${sizes} sizes`);
  write(`Device  ${device}`);
  write(`System  ${system}`);
  const options = { ...asked, sizes, device, system, seconds: share, write } as const;
  const findings = await checkEngine(engine, options);
  if (engine === "cuda" && sizes === "full") await rememberCudaCheck(hasPassed(findings));
  const path = `${outputsFolder()}/gpu-check-${engine}.json`;
  await Deno.mkdir(outputsFolder(), { recursive: true });
  replaceFile(path, findingsJson(findings));
  write(`The findings are in ${path}: please send them to us, whatever they are.`);
  return findings;
}

if (import.meta.main) {
  try {
    const asked = await readOptions(Deno.args);
    const all: Findings[] = [];
    for (const engine of asked.engines) {
      all.push(await check(engine, asked, seconds / asked.engines.length));
    }
    console.log(all.map(verdict).join("\n"));
    Deno.exitCode = all.every(hasPassed) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    Deno.exitCode = 1;
  }
}
