import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { meanOfAll } from "./mean_of_all.ts";
import { ownPlaces, rowsOf } from "./share.ts";
import { alone, type World } from "./world.ts";
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

Deno.test("meanOfAll() averages small tensors in one call, and a large one in pieces", () => {
  const sizes: number[] = [];
  const world: World = {
    ...place(0, 2),
    mean: (x) => {
      sizes.push(x.size);
      return x.add(1);
    },
  };
  const shapes = [[3], [2, 2], [1_100_000, 2], [5]];
  tf.tidy(() => {
    const tensors = shapes.map((shape, i) => tf.fill(shape, i));
    const means = meanOfAll(tensors, world);
    assertEquals(means.map(({ shape }) => shape), shapes);
    means.forEach((mean, i) => {
      assertEquals([mean.min().dataSync()[0], mean.max().dataSync()[0]], [i + 1, i + 1]);
    });
  });
  assertEquals(sizes, [7, 1 << 20, 1 << 20, 2_200_000 - (2 << 20), 5]);
});
