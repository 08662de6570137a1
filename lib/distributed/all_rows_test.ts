import * as tf from "lib/tf.ts";
import { allRows, gatherRows, ownRows } from "./all_rows.ts";
import { alone, type World } from "./world.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

/** Two processes, of which each has two views of two images: rows of three numbers. */
const [images, size] = [2, 2];
const parts = [0, 1].map((rank) =>
  tf.tensor2d(Array.from({ length: 12 }, (_, i) => Math.sin(100 * rank + i)), [4, 3])
);
const worlds = [0, 1].map((rank): World => ({
  ...alone,
  rank,
  size,
  gather: () => tf.concat(parts) as never,
}));
/** All rows: the images of both processes in the first view, then in the second. */
const all = tf.concat([0, 1].flatMap((view) => parts.map((x) => x.slice([2 * view, 0], [2, 3]))));

Deno.test("gatherRows() has the order of the whole batch, and ownRows() is its inverse", () => {
  for (const [rank, world] of worlds.entries()) {
    assertEquals(gatherRows(parts[rank]!, images, world).arraySync(), all.arraySync());
    assertEquals(ownRows(all, images, world).arraySync(), parts[rank]!.arraySync());
  }
  assertEquals(gatherRows(all, 4, alone).arraySync(), all.arraySync());
  assertEquals(ownRows(all, 4, alone).arraySync(), all.arraySync());
  assertNoLeak(() => {
    tf.dispose([gatherRows(parts[0]!, images, worlds[0]!), ownRows(all, images, worlds[1]!)]);
  });
});

Deno.test("the processes' gradients through allRows() average to that of one process", () => {
  const w = tf.tensor2d([[0.3, -0.2], [0.5, 0.1], [-0.4, 0.7]]);
  /** A loss that compares all rows with each other. */
  const loss = (rows: tf.Tensor2D) => tf.matMul(rows, rows, false, true).tanh().square().sum();
  const expected = tf.grad((w) => loss(tf.matMul(all as tf.Tensor2D, w as tf.Tensor2D)))(w);
  const own = worlds.map((world, rank) => {
    // What the other process would send depends on its weights too, as constants for this one.
    const sent = parts.map((x) => tf.matMul(x, w));
    const here = { ...world, gather: () => tf.concat(sent) as never };
    return tf.grad((w) => loss(allRows(tf.matMul(parts[rank]!, w as tf.Tensor2D), images, here)))(
      w,
    );
  });
  assertClose(own[0]!.add(own[1]!).div(size), expected, 1e-5);
});
