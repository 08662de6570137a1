import { evenIndices, evenIndicesByClass } from "./spread.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("evenIndices() spreads over the whole, and takes all where there are no more", () => {
  assertEquals(evenIndices(7, 3), [0, 2, 4]);
  assertEquals(evenIndices(3, 3), [0, 1, 2]);
  assertEquals(evenIndices(2, 9), [0, 1]);
  assertEquals(evenIndices(4, 0), []);
});

Deno.test("evenIndicesByClass() keeps every class its share, and the smallest at least one", () => {
  const labels = [...Array(60).fill(0), ...Array(36).fill(1), ...Array(3).fill(2), 3];
  for (const count of [4, 5, 10, 25, 50, 99]) {
    const indices = evenIndicesByClass(labels, count);
    assertEquals(indices.length, count);
    assertEquals(new Set(indices).size, count);
    assertEquals(indices, indices.toSorted((a, b) => a - b));
    const of = (label: number) => indices.filter((index) => labels[index] === label).length;
    assertTrue([0, 1, 2, 3].every((label) => of(label) > 0), `at ${count}, a class is gone`);
    assertTrue(Math.abs(of(0) - 0.6 * count) < 2.5, `at ${count}, ${of(0)} of class 0`);
  }
  assertEquals(evenIndicesByClass(labels, 100).length, 100);
  assertEquals(evenIndicesByClass([-1, -1, -1, -1], 2), [0, 2]);
  assertEquals(evenIndicesByClass([0, 1, 2, 3], 2).length, 2);
});
