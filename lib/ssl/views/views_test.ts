import * as tf from "lib/tf.ts";
import { imagesIn, microBatches, viewsOf } from "./views.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

/** Views of three images, each pixel `10 · view + image`. */
function views(V: number) {
  const crops = (first: number, count: number, size: number) =>
    tf.tidy(() =>
      tf.concat(Array.from({ length: count * 3 }, (_, i) => {
        const [view, image] = [first + Math.floor(i / 3), i % 3];
        return tf.fill([1, size, size, 3], 10 * view + image);
      })) as tf.Tensor4D
    );
  return { global: crops(0, 2, 2), local: V > 2 ? crops(2, V - 2, 1) : null };
}

const firstPixels = (x: tf.Tensor4D) =>
  x.slice([0, 0, 0, 0], [-1, 1, 1, 1]).dataSync<"float32">().map(Math.round);

Deno.test("microBatches() are as even as can be, and hold every image once", () => {
  const counts = (images: number, parts: number) => {
    const all = microBatches(images, parts);
    let next = 0;
    for (const { first, count } of all) {
      assertEquals(first, next);
      next += count;
    }
    assertEquals(next, images);
    return all.map(({ count }) => count);
  };
  assertEquals(counts(6, 1), [6]);
  assertEquals(counts(6, 3), [2, 2, 2]);
  assertEquals(counts(7, 3), [2, 2, 3]);
  assertEquals(counts(5, 4), [1, 1, 1, 2]);
  for (const parts of [0, 6, 1.5]) {
    assertThrows(() => microBatches(5, parts), RangeError, `5 images into ${parts} micro-batches`);
  }
});

Deno.test("viewsOf() takes all views of a micro-batch's images, view by view", () => {
  const all = views(4);
  assertEquals(imagesIn(all), 3);
  const { global, local } = viewsOf(all, { first: 1, count: 2 });
  assertEquals([...firstPixels(global)], [1, 2, 11, 12]);
  assertEquals([...firstPixels(local!)], [21, 22, 31, 32]);
  assertEquals([global.shape, local!.shape], [[4, 2, 2, 3], [4, 1, 1, 3]]);
  assertEquals(viewsOf(views(2), { first: 0, count: 1 }).local, null);
});

Deno.test("viewsOf() lends a whole batch, and copies a part without a trace", () => {
  const all = views(4);
  assertEquals(viewsOf(all, { first: 0, count: 3 }) === all, true);
  assertNoLeak(() => {
    const { global, local } = viewsOf(all, { first: 0, count: 1 });
    tf.dispose([global, local!]);
  });
});
