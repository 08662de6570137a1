/**
 * Ours beside PyTorch's, in one run: `deno task bench:peers [--only group] [--quick]`, which makes PyTorch's environment
 * and starts this with its interpreter. Writes `outputs/bench/`.
 */
import { parseArgs } from "node:util";
import { join } from "@std/path";
import { engine } from "lib/tf.ts";
import { describeEngine } from "lib/experiments/mod.ts";
import { type BenchCase, casesOf, type Group, groups } from "lib/bench/cases.ts";
import { type Contender, startContender } from "lib/bench/contender.ts";
import { measureFmaPeak } from "lib/bench/fma_peak.ts";
import { withPictures } from "lib/bench/pictures.ts";
import { type Patience, takeTurns } from "lib/bench/rounds.ts";
import { progressLine, writeResults } from "lib/bench/results.ts";
import { failuresOf, type Measured } from "lib/bench/rows.ts";

/** Of each side: what a laptop has, and what the numbers in this project were taken with. */
const threads = 2;

export interface BenchOptions {
  readonly only: readonly Group[];
  readonly quick: boolean;
  /** An interpreter that has PyTorch. */
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
    const found = groups.find((group) => group === name);
    if (found !== undefined) return found;
    throw new RangeError(`Cannot measure only "${name}": there are ${groups.join(", ")}`);
  });
  return { only: only.length > 0 ? only : groups, quick: values.quick, python: values.python };
}

/** PyTorch's ways by group. Compiled code calls the same convolutions: left out where there is nothing else. */
const ways: Readonly<Record<Group, readonly string[]>> = {
  micro: ["eager", "bf16"],
  block: ["eager", "compile", "bf16"],
  step: ["eager", "compile", "bf16"],
  laptop: ["eager", "compile", "bf16"],
  inference: ["eager", "compile", "bf16"],
  augment: ["eager"], // Pillow computes with none of them
  corruptions: ["eager"], // nor does the package imagecorruptions
};

/** Whose products we too can compute in bf16. */
const oursInBf16: readonly Group[] = ["block", "step", "laptop"];

/** At the largest kernels PyTorch's weight gradient takes minutes, in bf16 as in fp32: once is enough. */
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

/** Measures a group; all its cases in the same processes only where they are many and small. */
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
        const whole = await withPictures(subject);
        onMeasured({ subject, outcomes: await takeTurns(whole, fit, patience) });
      }
    } finally {
      await Promise.all(contenders.map((contender) => contender.close()));
    }
  }
}

/** Of the last minute, on a machine that has nothing else to do. */
const quietLoad = 0.5;
const busy =
  "other programs were at work, and PyTorch's threads, which wait for each other, suffer " +
  "from that far more than ours: the ratios flatter us";

/** What the numbers were taken on and with, a line each. */
async function conditions(
  python: string,
  peak: number | undefined,
  load: number,
): Promise<string[]> {
  const code = "import torch; print('PyTorch', torch.__version__)";
  const { stdout } = await new Deno.Command(python, { args: ["-c", code] }).output();
  return [
    `ours: ${describeEngine()}; tfjs ${engine().versions.tfjs}`,
    `theirs: ${new TextDecoder().decode(stdout).trim()}, ${threads} threads`,
    `machine: ${processorName()}; measured peak ${
      peak === undefined ? "unknown" : `${Math.round(peak / 1e9)} GFLOP/s`
    } on ${threads} threads`,
    `load before the run: ${load.toFixed(2)}${load > quietLoad ? `; ${busy}` : ""}`,
  ];
}

function processorName(): string {
  try {
    return /model name\s*:\s*(.*)/.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ??
      Deno.build.target;
  } catch {
    return Deno.build.target;
  }
}

/** The highest of several, or undefined where none could be measured: a peak is what the machine can do at its best. */
async function higherPeak(peak: number | undefined): Promise<number | undefined> {
  try {
    return Math.max(peak ?? 0, await measureFmaPeak(threads));
  } catch (error) {
    console.error((error as Error).message);
    return peak;
  }
}

async function main(options: BenchOptions): Promise<void> {
  const part = options.only.length < groups.length ? options.only : [];
  const name = ["peers", ...part, ...(options.quick ? ["quick"] : [])].join("_");
  const all: Measured[] = [];
  const [load] = Deno.loadavg() as [number];
  if (load > quietLoad) console.error(`Load ${load.toFixed(2)}: ${busy}.`);
  let peak = await higherPeak(undefined);
  for (const group of options.only) {
    console.log(group);
    await measureGroup(group, options, (measured) => {
      all.push(measured);
      console.log(`  ${progressLine(measured)}`);
    });
    peak = await higherPeak(peak);
    await writeResults(name, all, peak, await conditions(options.python, peak, load));
  }
  for (const failure of failuresOf(all)) console.error(failure);
  console.log(`outputs/bench/${name}.md, .csv, .svg and .png`);
}

if (import.meta.main) await main(readOptions(Deno.args));
