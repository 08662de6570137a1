/**
 * A process of the check that measures memory and speed on one engine:
 * `measure.ts small|full SECONDS`, the seconds that it may take.
 */
import { createSubject, type Workload } from "lib/bench/subjects.ts";
import * as tf from "lib/tf.ts";
import type { Sizes } from "./check_case.ts";
import type { Message } from "./messages.ts";
import { speedCases } from "./speed_cases.ts";
import { dinoRun } from "./training_cases.ts";

function say(message: Message): void {
  console.log(JSON.stringify(message));
}

/** Tensors and bytes after every twentieth step of a run; what they hold does not grow. */
async function watchMemory(sizes: Sizes): Promise<void> {
  for await (const { step } of dinoRun(sizes, 60)) {
    if (step % 20 !== 0) continue;
    const { numTensors, numBytes } = tf.memory();
    const { numBytesInGPU = numBytes } = tf.memory() as { readonly numBytesInGPU?: number };
    say({ memory: { step, tensors: numTensors, bytes: numBytesInGPU } });
  }
}

/** Waits until the device has done all that it was given: a read comes after the work before it. */
async function settle(): Promise<void> {
  const x = tf.tidy(() => tf.zeros([1024]).add(1));
  await x.data();
  x.dispose();
}

/** How long one case is repeated, in seconds; at least and at most how often. */
const [turn, fewest, most] = [{ small: 0.1, full: 1 }, 2, 200];

/** Seconds of a call: many are begun one after the other, as in training, and waited for once. */
async function timeOf(
  run: Workload,
  sizes: Sizes,
): Promise<{ seconds: number; calls: number }> {
  const timed = async (calls: number) => {
    const began = performance.now();
    for (let i = 0; i < calls; i++) await run();
    await settle();
    return (performance.now() - began) / 1000;
  };
  await timed(1); // compiles
  const one = await timed(1);
  const calls = Math.min(most, Math.max(fewest, Math.round(turn[sizes] / one)));
  return { seconds: await timed(calls) / calls, calls };
}

if (import.meta.main) {
  const [sizes, seconds] = [Deno.args[0] as Sizes, Number(Deno.args[1])];
  await watchMemory(sizes);
  for (const subject of speedCases(sizes)) {
    if (performance.now() > 1000 * seconds) break;
    tf.tfjsEngine().startScope(); // a subject keeps its inputs: here they are freed after it
    say({ speed: { name: subject.name, ...await timeOf(createSubject(subject), sizes) } });
    tf.tfjsEngine().endScope();
    tf.disposeVariables();
  }
}
