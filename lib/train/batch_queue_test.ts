import { batchQueue, promised } from "./batch_queue.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

/** A queue whose batches are texts, with lists of those that it begins and drops. */
function noted() {
  const [begun, dropped]: string[][] = [[], []];
  const queue = batchQueue(
    (indices, step) => {
      begun!.push(`${step}: ${indices}`);
      return `${step}: ${indices}`;
    },
    (batch) => void dropped!.push(batch),
  );
  return { queue, begun: begun!, dropped: dropped! };
}
const items = (...indices: number[]) => Uint32Array.from(indices);

Deno.test("batchQueue() begins a batch once, ahead of time or when it is taken", () => {
  const { queue, begun, dropped } = noted();
  queue.begin(items(1, 2), 1);
  queue.begin(items(1, 2), 1);
  assertEquals(queue.take(items(1, 2), 1), "1: 1,2");
  assertEquals(queue.take(items(3), 2), "2: 3");
  assertEquals([begun, dropped], [["1: 1,2", "2: 3"], []]);
});

Deno.test("batchQueue() makes a batch anew where other items were prefetched, and drops that one", () => {
  const { queue, dropped } = noted();
  const indices = items(1, 2);
  queue.begin(indices, 1);
  indices.set([7, 8]); // the queue has a copy
  assertEquals(queue.take(items(7, 8), 1), "1: 7,8");
  assertEquals(dropped, ["1: 1,2"]);
});

Deno.test("batchQueue() drops earlier batches that nobody took, and the oldest of three", () => {
  const { queue, begun, dropped } = noted();
  queue.begin(items(1), 1);
  queue.begin(items(2), 2);
  queue.begin(items(3), 3);
  assertEquals(dropped, ["1: 1"]);
  assertEquals(queue.take(items(3), 3), "3: 3");
  assertEquals(dropped, ["1: 1", "2: 2"]);
  queue.begin(items(4), 4);
  queue.clear();
  assertEquals(dropped.length, 2);
  queue.take(items(4), 4);
  assertEquals(begun.filter((batch) => batch === "4: 4").length, 2);
});

Deno.test("promised() leaves a failure to whoever awaits the batch", async () => {
  const failed = promised(Promise.reject(new Error("no batch")));
  // An unhandled rejection would end the test here.
  await new Promise((resolve) => setTimeout(resolve));
  await assertRejects(() => failed, Error, "no batch");
});
