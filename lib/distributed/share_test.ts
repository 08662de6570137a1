import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { meanOfAll, Means } from "./mean_of_all.ts";
import { ownPlaces, rowsOf } from "./share.ts";
import { alone, type Packing, type World } from "./world.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

const place = (rank: number, size: number): World => ({ ...alone, rank, size });

Deno.test("ownPlaces() gives each process an equal share of each micro-batch", () => {
  const parts = [{ first: 0, count: 4 }, { first: 4, count: 2 }];
  assertEquals([...ownPlaces(parts, place(0, 2))], [0, 1, 4]);
  assertEquals([...ownPlaces(parts, place(1, 2))], [2, 3, 5]);
  assertThrows(
    () => ownPlaces(parts, place(0, 4)),
    RangeError,
    "Cannot share 2 images equally among 4 processes",
  );
});

Deno.test("rowsOf() draws for a process's rows what one process draws for them", () => {
  const [views, images, size] = [3, 2, 4];
  const all = createRng(7).fork("block");
  const drawn = Array.from({ length: 2 * views * images * size }, () => all.uniform());
  for (const rank of [0, 1, 3]) {
    const own = rowsOf(createRng(7), images, place(rank, size)).fork("block");
    // Twice, as a block of a transformer draws for its two branches from one stream.
    for (let view = 0; view < 2 * views; view++) {
      for (let i = 0; i < images; i++) {
        assertEquals(own.uniform(), drawn[(view * size + rank) * images + i]);
      }
    }
  }
  assertThrows(() => rowsOf(createRng(7), 1, place(0, 2)).normal(), Error, "row by row");
});

/** A world of two in which a mean adds 1; it notes the calls. */
function addingWorld(): World & { readonly calls: (string | number)[] } {
  const calls: (string | number)[] = [];
  const add = <T extends tf.Tensor>(x: T) => (calls.push(x.size), x.add<T>(1));
  return {
    ...{ ...place(0, 2), calls, mean: add, beginMean: add },
    beginMeanOf: (packed) => (calls.push(packed.size), packed.clone()),
    endMeans: () => calls.push("end"),
  };
}

/** Tensors of these shapes, filled with their numbers. */
const numbered = (shapes: readonly number[][]) => shapes.map((shape, i) => tf.fill(shape, i));

function assertNumberedPlusOne(means: readonly tf.Tensor[], shapes: readonly number[][]): void {
  assertEquals(means.map(({ shape }) => shape), shapes);
  means.forEach((mean, i) => {
    assertEquals([mean.min().dataSync()[0], mean.max().dataSync()[0]], [i + 1, i + 1]);
  });
}

Deno.test("meanOfAll() averages tensors in one call", () => {
  const [world, shapes] = [addingWorld(), [[3], [2, 2], [1_000, 2]]];
  tf.tidy(() => assertNumberedPlusOne(meanOfAll(numbered(shapes), world), shapes));
  assertEquals(world.calls, [2007]);
});

Deno.test("Means begins a call when it is full, a large tensor in pieces, and waits at the end", () => {
  const world = addingWorld();
  const shapes = [[3], [2, 2], [1_100_000, 2], [5], [1024, 1025]];
  const { numTensors } = tf.memory();
  tf.tidy(() => {
    const means = new Means(world);
    numbered(shapes).forEach((x, i) => means.begin(`w${i}`, x));
    const taken = means.take();
    assertEquals([...taken.keys()], ["w0", "w1", "w2", "w3", "w4"]);
    assertNumberedPlusOne([...taken.values()], shapes);
  });
  const large = [1 << 20, 1 << 20, 2_200_000 - (2 << 20)];
  assertEquals(world.calls, [7, ...large, 5, 1 << 20, 1024, "end"]);
  assertEquals(tf.memory().numTensors, numTensors);
});

/** Adds 1 to each number, and sends two in the place of one. */
const doubled: Packing = {
  pack(tensors, parts) {
    const all = tf.concat1d(tensors.map((x) => x.flatten().add(1)));
    const size = 16 * parts * Math.ceil(all.size / (16 * parts));
    const whole = all.pad([[0, size - all.size]]);
    return tf.stack([whole, whole], 1).reshape([parts, -1]);
  },
  mean: (packed) => packed.mean(0),
  unpack: (packed) =>
    tf.concat(packed.map((x) => x.reshape([-1, 2]).slice([0, 0], [-1, 1]).flatten())),
  numbersInFloat: 0.5,
  isOneOperation: true,
};

Deno.test("Means sends what is packed, and takes it apart again without what was filled up", () => {
  const world = addingWorld();
  const shapes = [[3], [16, 2], [32], [1_100_000, 2], [1024, 1040], [16], [48]];
  const { numTensors } = tf.memory();
  tf.tidy(() => {
    const means = new Means(world, doubled);
    numbered(shapes).forEach((x, i) => means.begin(`w${i}`, x));
    assertNumberedPlusOne([...means.take().values()], shapes);
  });
  const half = 1 << 19; // numbers in a call
  const last = 2_200_000 - 4 * half, filled = Math.ceil(last / 32) * 32;
  const large = [half, half, half, half, filled];
  const calls = [96, ...large, half, half, 16 * 1024, 64].map((numbers) => 2 * numbers);
  assertEquals(world.calls, [...calls, "end"]);
  assertEquals(tf.memory().numTensors, numTensors);
});
