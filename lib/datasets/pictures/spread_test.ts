import { evenIndices, evenIndicesByClass, indicesOfClasses } from "./spread.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

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

Deno.test("indicesOfClasses() takes images class by class, spread over each, and names an unknown class", () => {
  const set = { labels: [0, 1, 0, 2, 0, 0, 1], classNames: ["a", "b", "c"] };
  assertEquals(indicesOfClasses(set, ["b", "a"], 2), [1, 6, 0, 4]);
  assertEquals(indicesOfClasses(set, ["c"], 5), [3]);
  assertThrows(() => indicesOfClasses(set, ["d"], 1), RangeError, 'of "d": there are a, b, c');
  const empty = { labels: [0], classNames: ["a", "b"] };
  assertThrows(() => indicesOfClasses(empty, ["b"], 1), RangeError, 'of "b"');
});
