/**
 * One process of a world: it calls operations with many shapes, checks every result, and prints the
 * memory that it needs. `--stop-at N --rank R --signal S` sends itself a signal in round N;
 * `--patience` is the number of seconds for which a process may not answer.
 */
import { parseArgs } from "node:util";
import process from "node:process";
import * as tf from "lib/tf.ts";
import { peersIn } from "lib/distributed/peers.ts";
import { joinWorld } from "lib/distributed/tensorflow_world.ts";
import { useNativeKernels } from "lib/native/mod.ts";
import { bf16Packing } from "lib/train/bf16.ts";
import { deepStrictEqual as assertEquals } from "node:assert";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "40" },
    large: { type: "string", default: "10" },
    "stop-at": { type: "string" },
    rank: { type: "string" },
    signal: { type: "string" },
    patience: { type: "string", default: "60" },
  },
});
const shapes = [[3], [7, 5], [Number(values.large)], [4, 2, 2], [1]];

const world = await joinWorld(peersIn(process.env)!, {
  patience: Number(values.patience),
  startSeconds: 120,
});
const { rank, size } = world;
useNativeKernels();
const packing = bf16Packing();

function round(i: number): void {
  const shape = shapes[i * 7 % shapes.length]!;
  tf.tidy(() => {
    const x = tf.fill(shape, 10 * rank + i);
    // Several vectors in the background, of which two have one length.
    const begun = [x, x.mul(2), tf.zeros([5])].map((x) => world.beginMean(x.flatten()));
    const small = tf.fill(shape, rank + i % 8); // bf16 has it to the last bit
    const packed = packing.pack([small, tf.ones([5])], size);
    const begunPacked = world.beginMeanOf(packed, packing);
    const mean = world.mean(x);
    assertEquals(mean.shape, shape);
    assertEquals(extremes(mean), [5 * (size - 1) + i, 5 * (size - 1) + i]);
    const all = world.gather(x);
    assertEquals(all.shape, [size * shape[0]!, ...shape.slice(1)]);
    tf.split(all, size).forEach((part, r) =>
      assertEquals(extremes(part), [10 * r + i, 10 * r + i])
    );
    world.endMeans();
    const [ofSmall, ofOnes, filled] = tf.split(packing.unpack([begunPacked]), [x.size, 5, -1]);
    const meanOfSmall = (size - 1) / 2 + i % 8;
    assertEquals(extremes(ofSmall!), [meanOfSmall, meanOfSmall]);
    assertEquals([extremes(ofOnes!), extremes(filled!)], [[1, 1], [0, 0]]);
    const expected = 5 * (size - 1) + i;
    assertEquals(
      begun.map(extremes),
      [1, 2, 0].map((times) => {
        return [times * expected, times * expected];
      }),
    );
    assertEquals(begun.map(({ shape }) => shape), [[x.size], [x.size], [5]]);
  });
}

function extremes(x: tf.Tensor): number[] {
  return [x.min().dataSync()[0]!, x.max().dataSync()[0]!];
}

/** The C library. Its `struct mallinfo2` is ten numbers of type `size_t`. */
const heap = Deno.dlopen("libc.so.6", {
  mallinfo2: { parameters: [], result: { struct: Array(10).fill("usize") } },
});

/**
 * Kilobytes that are allocated from the C library, where the vectors are. What the garbage collector
 * and the C library keep for later is left out: it differs from run to run.
 */
function allocated(): number {
  (globalThis as { gc?: () => void }).gc!();
  const numbers = new BigUint64Array(heap.symbols.mallinfo2().buffer as ArrayBuffer);
  const [mappedBytes, bytesInUse] = [numbers[4]!, numbers[7]!];
  return Number(mappedBytes + bytesInUse) / 1024;
}

function threadCount(): number {
  return [...Deno.readDirSync("/proc/self/task")].length;
}

const memory: number[] = [], threads: number[] = [];
try {
  for (let i = 0; i < Number(values.rounds); i++) {
    if (i === Number(values["stop-at"] ?? -1) && rank === Number(values.rank)) {
      Deno.kill(Deno.pid, values.signal as Deno.Signal);
    }
    round(i);
    // Now and then a process is late, another one each time.
    if (i % 20 === rank) await new Promise((done) => setTimeout(done, 10));
    if (i % Math.ceil(Number(values.rounds) / 10) === 0) {
      memory.push(allocated());
      threads.push(threadCount());
    }
  }
  console.log(JSON.stringify({ memory, threads, tensors: tf.memory().numTensors }));
  await world.leave();
  Deno.exit(0);
} catch (error) {
  console.log((error as Error).message);
  await world.leave(error);
  Deno.exit(1);
}
