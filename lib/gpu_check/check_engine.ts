/** Checks one engine: its numbers beside a CPU's, then memory and speed. */
import type { Sizes } from "./check_case.ts";
import { type CaseResult, compareCase, type Said } from "./compare.ts";
import type { EngineMessage, MemoryMessage, Message } from "./messages.ts";
import { pyTorchTimes } from "./pytorch.ts";
import { environmentOf, type GpuEngine, runProcess } from "./processes.ts";
import {
  caseLine,
  type Findings,
  memoryFailure,
  memoryLine,
  type SpeedBeside,
  speedLines,
} from "./report.ts";
import { speedCases } from "./speed_cases.ts";

/** How to check. */
export interface CheckOptions {
  readonly sizes: Sizes;
  /** The device and its driver, in words. */
  readonly device: string;
  readonly system: string;
  /** Seconds that all of it may take. */
  readonly seconds: number;
  /** The number of the GPU, with CUDA, as `nvidia-smi` counts them. */
  readonly gpu?: string;
  /** An interpreter that has PyTorch with CUDA. */
  readonly python?: string;
  readonly write: (line: string) => void;
}

/** What the processes on both sides said. */
interface Computed {
  readonly about?: EngineMessage;
  readonly cases: CaseResult[];
  readonly failures: string[];
}

/** Checks an engine, and writes what it finds as it finds it. */
export async function checkEngine(engine: GpuEngine, options: CheckOptions): Promise<Findings> {
  const began = performance.now();
  const { sizes, device, system, write } = options;
  const left = () => options.seconds - (performance.now() - began) / 1000;
  const { about, cases, failures } = await computeBoth(engine, options, left);
  for (const result of cases) write(caseLine(result));
  const { memory, speeds, notes } = failures.length > 0
    ? { memory: [], speeds: [], notes: ["memory and speed were not measured"] }
    : await measure(engine, options, left);
  const grown = memoryFailure(memory);
  if (grown) failures.push(grown);
  for (const line of [memoryLine(memory), ...speedLines(speeds), ...notes]) write(line);
  for (const failure of failures) write(`FAILED  ${failure}`);
  const seconds = (performance.now() - began) / 1000;
  return { engine, sizes, device, about, system, cases, memory, speeds, failures, notes, seconds };
}

/** Computes all cases on the GPU and on the CPU, at the same time, and compares them. */
async function computeBoth(
  engine: GpuEngine,
  { sizes, gpu }: CheckOptions,
  left: () => number,
): Promise<Computed> {
  const folder = await Deno.makeTempDir();
  try {
    const [mine, twin] = await Promise.all(
      [engine, "cpu" as const].map((side) =>
        computeOn(side, `${folder}/${side}`, { sizes, gpu, seconds: left() })
      ),
    ) as [Side, Side];
    const failures = [mine, twin].flatMap(({ failure }) => failure ?? []);
    if (mine.about && !isOn(engine, mine.about)) {
      failures.unshift(`there is no GPU for ${engine}: it computes on ${mine.about.words}`);
      return { about: mine.about, cases: [], failures };
    }
    const cases = await Promise.all(
      (mine.about ?? twin.about)?.cases.map((one, i) =>
        compareCase(one, i, sideOf(mine, i), sideOf(twin, i))
      ) ?? [],
    );
    return { about: mine.about, cases, failures };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Whether a process computes on what was to be checked. */
function isOn(wanted: GpuEngine, { engine: { backend, device } }: EngineMessage): boolean {
  return wanted === "webgpu" ? backend === "webgpu" : device !== "CPU" && backend === "tensorflow";
}

/** One side's process. */
interface Side {
  readonly folder: string;
  readonly about?: EngineMessage;
  readonly said: ReadonlyMap<number, Said>;
  readonly failure?: string;
}

function sideOf({ folder, said }: Side, index: number) {
  return { folder, said: said.get(index) };
}

async function computeOn(
  side: GpuEngine | "cpu",
  folder: string,
  { sizes, gpu, seconds }: Pick<CheckOptions, "sizes" | "gpu" | "seconds">,
): Promise<Side> {
  await Deno.mkdir(folder);
  const said = new Map<number, Said>();
  let about: EngineMessage | undefined;
  const onMessage = (message: Message) => {
    if ("engine" in message) about = message;
    else if ("computed" in message) said.set(message.computed, message);
    else if ("failed" in message) said.set(message.failed, message);
  };
  const env = environmentOf(side, { gpu });
  const ended = await runProcess("compute.ts", [sizes, folder], { env, seconds, onMessage });
  const failure = ended.failure && `computing on ${side}: ${ended.failure}`;
  return { folder, about, said, failure };
}

async function measure(
  engine: GpuEngine,
  { sizes, gpu, python }: CheckOptions,
  left: () => number,
): Promise<Pick<Findings, "memory" | "speeds" | "notes">> {
  const memory: MemoryMessage["memory"][] = [];
  const ours: SpeedBeside[] = [];
  const onMessage = (message: Message) => {
    if ("memory" in message) memory.push(message.memory);
    if ("speed" in message) ours.push(message.speed);
  };
  const share = python === undefined ? 0.95 : 0.5; // the rest is PyTorch's
  const seconds = left() * share;
  const ended = await runProcess("measure.ts", [sizes, String(0.8 * seconds)], {
    env: environmentOf(engine, { measures: true, gpu }),
    seconds,
    onMessage,
  });
  const cases = speedCases(sizes);
  const notes = ended.failure ? [`measuring: ${ended.failure}`] : [];
  if (ours.length < cases.length) {
    notes.push(`${cases.length - ours.length} of ${cases.length} speeds were not measured`);
  }
  if (python === undefined) return { memory, speeds: ours, notes };
  const theirs = await pyTorchTimes(python, cases.slice(0, ours.length), left());
  const speeds = ours.map((speed) => {
    const pytorch = theirs.seconds.get(speed.name);
    return pytorch === undefined ? speed : { ...speed, pytorch };
  });
  return { memory, speeds, notes: [...notes, ...theirs.notes] };
}
