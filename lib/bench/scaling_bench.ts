/**
 * What two processes lose against one with the same number of threads, with gradients in fp32 and in
 * bf16 on their way: seconds of a step of DINO, the bytes that a process sends in it, and what they
 * predict for 64 nodes, to `outputs/bench/`.
 *
 *     deno run -A lib/bench/scaling_bench.ts [--quick]
 */
import { parseArgs } from "node:util";
import { bcSslConfig } from "lib/models/mod.ts";
import { toPng, toSvg } from "lib/report/draw/plot.ts";
import { writeOutputs } from "lib/report/save/output_files.ts";
import { tableOf, toMarkdown } from "lib/report/tables/table_formats.ts";
import { together } from "lib/testing/distributed/together.ts";
import { type StepCase, tinyStep } from "./cases.ts";
import { processorName, quietLoad } from "./machine.ts";
import { median } from "./rounds.ts";
import { scalingFigure } from "./scaling_figure.ts";
import {
  bytesByPurpose,
  callCount,
  gradientPrecisions,
  latencies,
  predictedEfficiency,
  type StepMeasurement,
} from "./scaling_model.ts";
import type { WorkerReport, WorkerTask } from "./scaling_worker.ts";

/** Threads of all processes together. */
const threads = 2;
/** How often each is measured, in turns. */
const rounds = 6;
/** Least efficiency of two processes. */
const wanted = 0.85;

/** A smaller network and head, with half as many images. */
const quickStep: StepCase = {
  ...tinyStep(9, 4),
  model: bcSslConfig("nano"),
  head: { ...tinyStep(9, 4).head, outDim: 4096 },
  name: "DINO step, BC-SSL nano, k = 9, 4 images × (2 + 8) views",
};

/**
 * Takes steps in so many processes, which share the batch and the threads. They end if this process
 * is killed.
 *
 * @returns By rank.
 * @throws {Error} If a process does not end well; the message names it and what it says.
 */
export async function measure(task: WorkerTask, processes: number): Promise<WorkerReport[]> {
  const each = String(threads / processes);
  const env = { TF_NUM_INTRAOP_THREADS: each, OMP_NUM_THREADS: each };
  const args = [JSON.stringify(task)];
  const ended = await together("bench/scaling_worker.ts", processes, { args, env });
  return ended.map(({ code, output, errors }, rank) => {
    if (code === 0) return JSON.parse(output.trim().split("\n").at(-1)!);
    throw new Error(`Cannot measure: process ${rank} ended with ${code}: ${errors || output}`);
  });
}

/**
 * Says whether two processes are efficient enough, unless other programs were at work.
 *
 * @param load Load average before the measurement.
 */
export function verdict(efficiency: number, load: number): string {
  const percent = `${(100 * efficiency).toFixed(1)} %`;
  if (load > quietLoad) {
    return `${percent}, but no verdict: other programs were at work before the run (load ${
      load.toFixed(2)
    }, above ${quietLoad})`;
  }
  return `${percent}: ${efficiency >= wanted ? "at least" : "below"} ${100 * wanted} %`;
}

/** Seconds of many steps. */
interface StepTimes {
  readonly fastest: number;
  readonly median: number;
}

function timesOf(reports: readonly WorkerReport[]): StepTimes {
  const all = reports.flatMap(({ seconds }) => seconds);
  return { fastest: Math.min(...all), median: median(all) };
}

/** Steps of one process and of two, and what the two say to each other in a step. */
interface Compared extends StepMeasurement {
  readonly alone: StepTimes;
  readonly shared: StepTimes;
}

/**
 * Measures in turns, so that a machine that slows down for a while slows all.
 *
 * The verdict is by the median step; the fastest is shown beside it. A virtual core is slower while
 * other programs use its physical one. Two processes wait for each other at every BatchNorm, so the
 * slower core sets their pace; the threads of one process share its work out anew all the time.
 */
async function compare(task: WorkerTask): Promise<Compared[]> {
  const alone: WorkerReport[] = [];
  const together = new Map(gradientPrecisions.map((name) => [name, [] as WorkerReport[]]));
  for (let i = 0; i < rounds; i++) {
    alone.push((await measure(task, 1))[0]!);
    for (const [name, reports] of together) {
      const sent = name === "bf16" ? { gradients: name } : {};
      reports.push((await measure({ ...task, ...sent }, 2))[0]!);
    }
  }
  return [...together].map(([gradients, reports]) => ({
    ...{ gradients, alone: timesOf(alone), shared: timesOf(reports) },
    computeSeconds: timesOf(alone).median,
    calls: reports[0]!.calls,
    callSeconds: median(reports.map(({ callSeconds }) => callSeconds)),
  }));
}

/** One row for each precision of the gradients. */
function rowOf(compared: Compared): Readonly<Record<string, string | number>> {
  const { gradients, alone, shared, calls } = compared;
  const megabytes = Object.entries(bytesByPurpose(calls, 2))
    .map(([purpose, bytes]) => [`${purpose}, MB`, bytes / 1e6]);
  const predicted = [10, 100].map((gigabit) => {
    const [best, worst] = latencies.map((latency) =>
      100 * predictedEfficiency(compared, { nodes: 64, gigabit, latency })
    );
    return [`64 nodes at ${gigabit} Gb/s, predicted`, `${worst!.toFixed(0)}–${best!.toFixed(0)} %`];
  });
  return {
    "gradients in": gradients,
    "s a step, fastest": shared.fastest.toFixed(3),
    "s a step, median": shared.median.toFixed(3),
    "efficiency, fastest": `${(100 * alone.fastest / shared.fastest).toFixed(1)} %`,
    "efficiency, median": `${(100 * alone.median / shared.median).toFixed(1)} %`,
    "calls a step": callCount(calls),
    ...Object.fromEntries([...megabytes, ...predicted]),
  };
}

/** The results as Markdown. */
function textOf(all: readonly Compared[], name: string, machine: string, load: number): string {
  const [{ alone, callSeconds }] = all as [Compared];
  return [
    `# ${name}`,
    machine,
    `one process, ${threads} threads: ${alone.fastest.toFixed(3)} s a step, fastest; ${
      alone.median.toFixed(3)
    } s, median`,
    `two processes, ${threads / 2} thread each:`,
    toMarkdown(tableOf(all.map(rowOf))),
    ...all.map(({ gradients, shared }) =>
      `efficiency with gradients in ${gradients}: ${verdict(alone.median / shared.median, load)}`
    ),
    `a call of one number: ${(1000 * callSeconds).toFixed(2)} ms`,
  ].join("\n\n");
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
  const [load] = Deno.loadavg() as [number];
  const subject = values.quick ? quickStep : tinyStep(9, 8);
  const compared = await compare({ subject, steps: 3 });
  const machine = `${processorName()}, ${threads} threads, load ${load.toFixed(2)} before the run`;
  const md = textOf(compared, subject.name, machine, load);
  const svg = toSvg(scalingFigure(compared, [subject.name, machine]));
  const name = values.quick ? "scaling_quick" : "scaling";
  await writeOutputs("bench", name, { md, svg, png: await toPng(svg) });
  console.log(`${md}\n\noutputs/bench/${name}.md, .svg and .png`);
}
