/**
 * What two processes lose against one with the same number of threads: seconds of a step of DINO,
 * the bytes that a process sends in it, and what they predict for 64 nodes, to `outputs/bench/`.
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
import { bytesByPurpose } from "./scaling_model.ts";
import type { WorkerReport, WorkerTask } from "./scaling_worker.ts";

/** Threads of all processes together. */
const threads = 2;
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
 * Takes steps in so many processes, which share the batch and the threads.
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
    return `${percent}, but no verdict: the load was ${
      load.toFixed(2)
    } before the run, and other ` +
      "programs slow two processes, which wait for each other, more than one";
  }
  return `${percent}: ${efficiency >= wanted ? "at least" : "below"} ${100 * wanted} %`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
  const [load] = Deno.loadavg() as [number];
  const subject = values.quick ? quickStep : tinyStep(9, 8);
  const task = { subject, steps: values.quick ? 3 : 5 };
  const alone: number[] = [], shared: number[] = [];
  let last: WorkerReport | undefined;
  // In turns: a machine that slows down for a while then slows both.
  for (let round = 0; round < 2; round++) {
    const [one] = await measure(task, 1);
    const [first] = await measure(task, 2);
    alone.push(...one!.seconds);
    shared.push(...first!.seconds);
    last = first!;
  }
  const [computeSeconds, sharedSeconds] = [median(alone), median(shared)];
  const { calls, callSeconds } = last!;
  const sent = Object.entries(bytesByPurpose(calls, 2))
    .map(([purpose, bytes]) => ({ "sent by a process in a step": purpose, MB: bytes / 1e6 }));
  const machine = `${processorName()}, ${threads} threads, load ${load.toFixed(2)} before the run`;
  const lines = [
    `# ${subject.name}`,
    machine,
    `one process, 2 threads: ${computeSeconds.toFixed(3)} s a step`,
    `two processes, 1 thread each: ${sharedSeconds.toFixed(3)} s a step`,
    `efficiency: ${verdict(computeSeconds / sharedSeconds, load)}`,
    `${calls.length} calls a step, ${(1000 * callSeconds).toFixed(2)} ms for one of one number`,
    toMarkdown(tableOf(sent)),
  ];
  const svg = toSvg(
    scalingFigure({ computeSeconds, calls, callSeconds }, [subject.name, machine]),
  );
  const name = values.quick ? "scaling_quick" : "scaling";
  const md = lines.join("\n\n");
  await writeOutputs("bench", name, { md, svg, png: await toPng(svg) });
  console.log(`${md}\n\noutputs/bench/${name}.md, .svg and .png`);
}
