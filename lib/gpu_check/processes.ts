/** Starts the processes of the check and reads what they say. Imports no engine. */
import { fileURLToPath } from "node:url";
import type { Message } from "./messages.ts";

/** The engines of a GPU. */
export const engines = ["webgpu", "cuda"] as const;
export type GpuEngine = typeof engines[number];

/**
 * The environment of a process. With CUDA, products are not rounded to TF32, so that numbers can be
 * compared with a CPU's; speeds are measured as training runs, with TensorFlow's own settings.
 */
export function environmentOf(
  engine: GpuEngine | "cpu",
  { measures = false, gpu }: { readonly measures?: boolean; readonly gpu?: string } = {},
): Record<string, string> {
  switch (engine) {
    case "cpu": // plain operations: what they compute says what every kernel means
      return { BCSSL_ENGINE: "tensorflow", BCSSL_NATIVE: "off", CUDA_VISIBLE_DEVICES: "-1" };
    case "webgpu":
      return { BCSSL_ENGINE: "webgpu" };
    case "cuda":
      return {
        BCSSL_ENGINE: "tensorflow",
        BCSSL_CUDA: "on",
        ...(gpu === undefined ? {} : { BCSSL_GPU: gpu }),
        ...(measures ? {} : { NVIDIA_TF32_OVERRIDE: "0" }),
      };
  }
}

/** What a process said until it ended. */
export interface Ended {
  /** Why it ended before its time; absent if it did its work. */
  readonly failure?: string;
}

/**
 * Runs a file of this folder in a process of its own, which a driver may crash, and hands on what it
 * says.
 *
 * @param options.seconds Seconds after which the process is killed.
 */
export async function runProcess(
  file: string,
  args: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly seconds: number;
    readonly onMessage: (message: Message) => void;
  },
): Promise<Ended> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path, ...args],
    env: { ...options.env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, 1000 * Math.max(options.seconds, 0));
  try {
    const [, errors] = await Promise.all([
      readLines(child.stdout, (line) => {
        if (line.startsWith("{")) options.onMessage(JSON.parse(line));
      }),
      lastLines(child.stderr),
    ]);
    const { success, code, signal } = await child.status;
    if (late) return { failure: `stopped after ${options.seconds.toFixed(0)} s` };
    if (success) return {};
    const how = signal === null ? `code ${code}` : signal;
    return { failure: `its process ended with ${how}${errors ? `: ${errors}` : ""}` };
  } finally {
    clearTimeout(timer);
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream() as TransformStream)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    lines.forEach(onLine);
  }
  if (rest) onLine(rest);
}

/** The line of a process's errors that says most: the first that names an error, else the last. */
async function lastLines(stream: ReadableStream<Uint8Array>): Promise<string> {
  const lines: string[] = [];
  await readLines(stream, (line) => void (line.trim() && lines.push(line.trim())));
  return lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? "";
}
