/**
 * Measures our code beside PyTorch in one run, and writes the results to `outputs/bench/`.
 *
 * The command is `deno task bench:peers [--only group] [--quick]`. It installs PyTorch in an
 * environment of its own and then calls this file with that environment's interpreter.
 */
import { parseArgs } from "node:util";
import { join } from "@std/path";
import { engine } from "lib/tf.ts";
import { describeEngine } from "lib/experiments/mod.ts";
import { type BenchCase, casesOf, type Group, groups } from "./cases.ts";
import { type Contender, startContender } from "./contender.ts";
import { processorName, quietLoad } from "./machine.ts";
import { measurePeaks, type Peaks } from "./peak.ts";
import { withPictures } from "./pictures.ts";
import { type Patience, takeTurns } from "./rounds.ts";
import { progressLine, writeResults } from "./results.ts";
import { failuresOf, type Measured } from "./rows.ts";

/**
 * Number of threads on each side: the cores of a small laptop. All numbers of this project were
 * taken with two.
 */
const threads = 2;

export interface BenchOptions {
  readonly only: readonly Group[];
  readonly quick: boolean;
  /** Path of a Python interpreter that has PyTorch. */
  readonly python: string;
}

/** @throws {RangeError} If a group is unknown, or there is no interpreter. */
export function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      python: { type: "string" },
    },
  });
  if (values.python === undefined) {
    throw new RangeError("Cannot compare with PyTorch: give its interpreter, --python PATH");
  }
  const only = values.only.map((name) => {
    const group = groups.find((group) => group === name);
    if (group !== undefined) return group;
    throw new RangeError(`Cannot measure only "${name}": there are ${groups.join(", ")}`);
  });
  return { only: only.length > 0 ? only : groups, quick: values.quick, python: values.python };
}

/**
 * PyTorch's modes in each group. `micro` has no `compile`: compiled code calls the same
 * convolutions, and there is nothing else in that group.
 */
const ways: Readonly<Record<Group, readonly string[]>> = {
  micro: ["eager", "bf16"],
  block: ["eager", "compile", "bf16"],
  attention: ["eager", "compile", "bf16"],
  step: ["eager", "compile", "bf16"],
  laptop: ["eager", "compile", "bf16"],
  methods: ["eager", "compile", "bf16"],
  inference: ["eager", "compile", "bf16"],
  augment: ["eager"], // Pillow does the work: neither compile nor bf16 changes it
  corruptions: ["eager"], // the same holds for the package imagecorruptions
};

/** The groups whose matrix products we too can compute in bf16. */
const oursInBf16: readonly Group[] = ["block", "step", "laptop", "methods", "inference"];

/**
 * Whether a contender measures a case. PyTorch's weight gradient takes minutes for kernels above
 * 15×15, in bf16 as in fp32: it is measured in fp32 only.
 */
function takesPart(subject: BenchCase, { name }: Contender): boolean {
  return !(subject.kind === "depthwise" && subject.kernelSize > 15 && name === "bf16");
}

function startAll(group: Group, python: string): Contender[] {
  const count = String(threads);
  const script = (name: string) => join(import.meta.dirname!, name);
  const ours = [Deno.execPath(), "run", "-A", script("ours.ts")] as const;
  const tfThreads = { TF_NUM_INTRAOP_THREADS: count, OMP_NUM_THREADS: count };
  const theirs = {
    OMP_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    TORCHINDUCTOR_COMPILE_THREADS: "1",
  };
  return [
    startContender("ours", [...ours], tfThreads),
    ...(oursInBf16.includes(group)
      ? [startContender("ours bf16", [...ours, "bf16"], tfThreads)]
      : []),
    ...ways[group].map((way) => startContender(way, [python, script("peer.py"), way], theirs)),
  ];
}

/**
 * Measures a group. Each case gets new processes, so that its peak memory is its own. The cases of
 * `micro` are many and small, and share their processes.
 */
async function measureGroup(
  group: Group,
  { quick, python }: BenchOptions,
  onMeasured: (measured: Measured) => void,
): Promise<void> {
  const cases = casesOf(group, { quick });
  const patience: Patience = group === "micro"
    ? { rounds: quick ? 3 : 7, turn: quick ? 0.05 : 0.1, budget: 8 }
    : { rounds: quick ? 3 : 7, turn: quick ? 0.2 : 1, budget: group === "step" ? 240 : 60 };
  const batches = group === "micro" ? [cases] : cases.map((subject) => [subject]);
  for (const batch of batches) {
    const contenders = startAll(group, python);
    try {
      for (const subject of batch) {
        const fit = contenders.filter((contender) => takesPart(subject, contender));
        const caseWithPictures = await withPictures(subject);
        onMeasured({ subject, outcomes: await takeTurns(caseWithPictures, fit, patience) });
      }
    } finally {
      await Promise.all(contenders.map((contender) => contender.close()));
    }
  }
}

const busy =
  "other programs were at work, and PyTorch's threads, which wait for each other, suffer " +
  "from that far more than ours: no ratios are given; wait until the machine is idle";

/** Describes the engine, PyTorch, the machine and its load, a line each. */
async function conditions(
  python: string,
  { fp32, bf16 }: Peaks,
  load: number,
): Promise<string[]> {
  const code = "import torch; print('PyTorch', torch.__version__)";
  const { stdout } = await new Deno.Command(python, { args: ["-c", code] }).output();
  return [
    `ours: ${describeEngine()}; tfjs ${engine().versions.tfjs}`,
    `theirs: ${new TextDecoder().decode(stdout).trim()}, ${threads} threads`,
    `machine: ${processorName()}; measured peak ${gigaFlops(fp32)} in fp32, ` +
    `${gigaFlops(bf16)} in bf16, on ${threads} threads`,
    `load before the run: ${load.toFixed(2)}${load > quietLoad ? `; ${busy}` : ""}`,
  ];
}

function gigaFlops(peak: number | undefined): string {
  return peak === undefined ? "unknown" : `${Math.round(peak / 1e9)} GFLOP/s`;
}

/**
 * Measures the machine's peaks once more and returns the higher of both: other programs can only
 * lower what is measured. What no measurement has given is undefined.
 */
async function higherPeaks(before: Peaks): Promise<Peaks> {
  try {
    const now = await measurePeaks(threads);
    const higher = (a = 0, b = 0) => Math.max(a, b) || undefined;
    return { fp32: higher(before.fp32, now.fp32), bf16: higher(before.bf16, now.bf16) };
  } catch (error) {
    console.error((error as Error).message);
    return before;
  }
}

async function main(options: BenchOptions): Promise<void> {
  const part = options.only.length < groups.length ? options.only : [];
  const name = ["peers", ...part, ...(options.quick ? ["quick"] : [])].join("_");
  const all: Measured[] = [];
  const [load] = Deno.loadavg() as [number];
  if (load > quietLoad) console.error(`Load ${load.toFixed(2)}: ${busy}.`);
  let peaks = await higherPeaks({});
  for (const group of options.only) {
    console.log(group);
    await measureGroup(group, options, (measured) => {
      all.push(measured);
      console.log(`  ${progressLine(measured, load)}`);
    });
    peaks = await higherPeaks(peaks);
    const notes = await conditions(options.python, peaks, load);
    await writeResults(name, all, { peaks, load, notes });
  }
  for (const failure of failuresOf(all)) console.error(failure);
  console.log(`outputs/bench/${name}.md, .csv, .svg and .png`);
}

if (import.meta.main) await main(readOptions(Deno.args));
