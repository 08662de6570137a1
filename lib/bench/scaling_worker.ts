/**
 * One process of `scaling_bench.ts`: takes steps of DINO, alone or with the other processes of its
 * world, and prints a {@linkcode WorkerReport} as JSON. Its arguments are a {@linkcode WorkerTask} as
 * JSON.
 */
import process from "node:process";
import { endWithParent } from "lib/distributed/parent.ts";
import { peersIn } from "lib/distributed/peers.ts";
import { joinWorld } from "lib/distributed/tensorflow_world.ts";
import type { World } from "lib/distributed/world.ts";
import type { AnyTensor } from "lib/tf.ts";
import * as tf from "lib/tf.ts";
import type { StepCase } from "./cases.ts";
import { median } from "./rounds.ts";
import type { WorldCall } from "./scaling_model.ts";
import { dinoStep } from "./subjects.ts";

/** What a process does. */
export interface WorkerTask {
  /** The step, with the batch of all processes. */
  readonly subject: StepCase;
  /** Steps that are timed, after one that is not. */
  readonly steps: number;
  /** Precision in which the processes send each other gradients. By default, fp32. */
  readonly gradients?: "bf16";
}

/** What a process reports. */
export interface WorkerReport {
  /** Seconds of each step. */
  readonly seconds: readonly number[];
  /** The calls of one step; empty without other processes. */
  readonly calls: readonly WorldCall[];
  /** Seconds of a mean of one number over all processes, median; 0 without other processes. */
  readonly callSeconds: number;
}

/** The same world, which notes each call. */
export function noting(world: World, calls: WorldCall[]): World {
  const note = (operation: WorldCall["operation"], { shape }: AnyTensor) =>
    void calls.push({ operation, shape });
  return {
    ...{ rank: world.rank, size: world.size, endMeans: () => world.endMeans() },
    mean: (x) => (note("mean", x), world.mean(x)),
    beginMean: (x) => (note("begun mean", x), world.beginMean(x)),
    beginMeanOf: (packed, packing) => {
      note("begun packed mean", packed);
      return world.beginMeanOf(packed, packing);
    },
    gather: (x) => (note("gather", x), world.gather(x)),
  };
}

async function report(
  { subject, steps, gradients }: WorkerTask,
  world?: World,
): Promise<WorkerReport> {
  const calls: WorldCall[] = [];
  const batch = subject.batch / (world?.size ?? 1);
  const noted = world && noting(world, calls);
  const step = dinoStep({ ...subject, batch }, { world: noted, gradients });
  await step();
  const seconds: number[] = [];
  for (let i = 0; i < steps; i++) {
    calls.length = 0;
    await new Promise((done) => setTimeout(done)); // the end of the benchmark is heard here
    seconds.push(await timed(step));
  }
  return { seconds, calls, callSeconds: world ? await latencyOf(world) : 0 };
}

async function latencyOf(world: World): Promise<number> {
  const x = tf.zeros([1]);
  const seconds: number[] = [];
  for (let i = 0; i < 200; i++) {
    seconds.push(await timed(() => void world.mean(x).dispose()));
  }
  x.dispose();
  return median(seconds);
}

async function timed(run: () => void | Promise<void>): Promise<number> {
  const began = performance.now();
  const done = run();
  if (done) await done;
  return (performance.now() - began) / 1000;
}

if (import.meta.main) {
  endWithParent();
  const peers = peersIn(process.env)!;
  const world = peers.addresses.length === 1 ? undefined : await joinWorld(peers);
  console.log(JSON.stringify(await report(JSON.parse(Deno.args[0]!), world)));
  await world?.leave();
  Deno.exit(0);
}
