/**
 * Software and hardware that a run was trained with: apart from the seed, its last digits may
 * depend on them.
 */
import { cpus } from "node:os";
import { join } from "@std/path";
import type { World } from "lib/distributed/world.ts";
import { engine, triedOn } from "lib/tf.ts";
import { type NativeStatus, nativeStatus } from "lib/native/mod.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { useWebGpuKernels } from "lib/webgpu/mod.ts";
import { json, readJson, type RunFolder } from "./run_folder.ts";

export interface Environment {
  readonly versions: Readonly<Record<string, string>>;
  /** Which kernels of our own were in use, or why none were, in words. */
  readonly kernels: string;
  readonly os: string;
  readonly cpu: string;
  /** Threads of TensorFlow's CPU kernels. */
  readonly threads: number;
  /** Name of the GPU; absent if the CPU computes. */
  readonly gpu?: string;
  /** Commit of the project, with `+` if files differ from it; absent where there is no Git. */
  readonly commit?: string;
}

/** A period of training, from a step on, in one process. */
export interface Session extends Environment {
  readonly fromStep: number;
  /** Time of its start, ISO 8601. */
  readonly began: string;
  /** Number of processes that trained together; absent if it was one. */
  readonly processes?: number;
}

/** Adds a session to environment.json. */
export async function recordSession(
  folder: RunFolder,
  fromStep: number,
  { size }: Pick<World, "size">,
): Promise<void> {
  const session = {
    fromStep,
    began: new Date().toISOString(),
    ...(size > 1 && { processes: size }),
    ...await describeEnvironment(),
  };
  replaceFile(sessionsFile(folder), json({ sessions: [...sessionsOf(folder), session] }));
}

/**
 * Warns if training will be slow since kernels are missing, and if a run goes on with other kernels,
 * or with another number of processes, than it was trained by.
 */
export function warnOfSession(
  folder: RunFolder,
  fromStep: number,
  { size }: Pick<World, "size">,
  warn: (message: string) => void,
  status: NativeStatus = nativeStatus(),
): void {
  const { missing, reason } = status;
  if (missing) warn(`Training takes several times as long without kernels of our own: ${reason}`);
  const before = sessionsOf(folder).at(-1);
  if (fromStep === 0 || before === undefined) return;
  const { kernels, processes = 1 } = before;
  const rest =
    `from step ${fromStep}: from there its numbers are the same up to rounding, not to the bit`;
  if (processes !== size) {
    warn(
      `Run ${folder.id} was trained by ${inWords(processes)} and goes on with ${
        inWords(size)
      } ${rest}`,
    );
  }
  const now = kernelsInUse(status);
  if (kernels !== now) {
    warn(`Run ${folder.id} goes on with other kernels ("${now}", before "${kernels}") ${rest}`);
  }
}

function inWords(processes: number): string {
  return processes === 1 ? "1 process" : `${processes} processes`;
}

function sessionsOf(folder: RunFolder): readonly Session[] {
  return readJson<{ sessions: Session[] }>(sessionsFile(folder))?.sessions ?? [];
}

function sessionsFile({ path }: RunFolder): string {
  return join(path, "environment.json");
}

/**
 * Describes the engine that computes, in one line for a notebook: `tensorflow 2.21.0 on CPU, 2
 * threads; native kernels in use`. For a GPU it also says what has been tried on one.
 */
export function describeEngine(): string {
  const tried = triedOn(engine());
  const { backend, device, threads, versions } = engine();
  const version = versions[backend] ?? versions.tfjs;
  const share = threads > 0 ? `, ${threads} thread${threads === 1 ? "" : "s"}` : "";
  return `${backend} ${version} on ${device}${share}; ${kernelsInUse()}${
    tried ? `; ${tried}` : ""
  }`;
}

/** Which kernels of our own compute, or why none do, in a few words. */
function kernelsInUse({ reason }: NativeStatus = nativeStatus()): string {
  return useWebGpuKernels() ? "WebGPU kernels in use" : reason;
}

/** Describes the environment of this process. */
export async function describeEnvironment(): Promise<Environment> {
  const { backend, device, threads, versions } = engine();
  const gpu = device === "CPU" ? undefined : await gpuName(backend, device);
  const commit = await gitCommit();
  return {
    versions: { deno: Deno.version.deno, ...versions },
    kernels: kernelsInUse(),
    os: `${Deno.build.os} ${Deno.build.arch} ${Deno.osRelease()}`,
    cpu: cpus()[0]?.model ?? "unknown",
    threads,
    ...(gpu && { gpu }),
    ...(commit && { commit }),
  };
}

/**
 * The name of the GPU: WebGPU knows the name of its device; for TensorFlow, the driver is asked.
 */
async function gpuName(backend: string, device: string): Promise<string> {
  if (backend === "webgpu") return device;
  return await firstLine(
    "nvidia-smi",
    "--query-gpu=name,driver_version",
    "--format=csv,noheader",
  ) ??
    device;
}

async function gitCommit(): Promise<string | undefined> {
  const git = (...args: string[]) => firstLine("git", "-C", import.meta.dirname!, ...args);
  const commit = await git("rev-parse", "HEAD");
  if (commit === undefined) return undefined;
  const changed = await git("status", "--porcelain", "--untracked-files=no");
  return changed ? `${commit}+` : commit;
}

/** The first line that a program prints; `undefined` if there is no such program or it fails. */
async function firstLine(program: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).split("\n", 1)[0] : undefined;
  } catch {
    return undefined;
  }
}
