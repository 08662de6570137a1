import { createRng } from "lib/rng.ts";
import { type BatchSource, runLength, trainingSteps } from "./loop.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

const length = { stepsPerEpoch: 3, totalSteps: 9 };
const options = { length, batchSize: 2, rng: createRng(0), done: 0 };

/** A source of seven items. A batch is the list of its indices, and all calls are recorded. */
function source(): BatchSource<number[]> & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    count: 7,
    next(indices, step) {
      asked.push(`next ${step}`);
      return Promise.resolve([...indices]);
    },
    prefetch: (_, step) => void asked.push(`prefetch ${step}`),
  };
}

async function batchesFrom(done: number, rng = createRng(0)): Promise<number[][]> {
  const batches: number[][] = [];
  const steps = trainingSteps(source(), { ...options, rng, done }, (batch) => ({ batch }));
  for await (const { batch } of steps) batches.push(batch);
  return batches;
}

Deno.test("runLength() counts full batches, and names what is too few", () => {
  assertEquals(runLength({ batchSize: 2, epochs: 3 }, 7), length);
  const few = () => runLength({ batchSize: 8, epochs: 1 }, 7, "pictures with objects");
  assertThrows(few, RangeError, "a batch of 8 from 7 pictures with objects: lower batchSize");
});

Deno.test("runLength() says what is wrong with lengths that are none", () => {
  const texts: unknown[] = ["2", 0, 1.5, NaN, -1];
  for (const epochs of texts as number[]) {
    const run = () => runLength({ batchSize: 2, epochs }, 7);
    assertThrows(run, RangeError, `${JSON.stringify(epochs)} epochs: need a whole number`);
    const batches = () => runLength({ batchSize: epochs, epochs: 1 }, 7);
    assertThrows(batches, RangeError, `in batches of ${JSON.stringify(epochs)}: need a whole`);
  }
});

Deno.test("trainingSteps() shows every item at most once an epoch, in orders of their own", async () => {
  const batches = await batchesFrom(0);
  const epochs = [0, 3, 6].map((first) => batches.slice(first, first + 3).flat());
  for (const items of epochs) assertEquals(new Set(items).size, 6);
  assertEquals(new Set(epochs.map(String)).size, 3);
});

Deno.test("trainingSteps() goes on from any step with the batches it would have had", async () => {
  const batches = await batchesFrom(0);
  for (let done = 0; done <= 9; done++) assertEquals(await batchesFrom(done), batches.slice(done));
});

Deno.test("trainingSteps() of two runs in turn do not disturb each other", async () => {
  const expected = [await batchesFrom(0), await batchesFrom(0, createRng(1))];
  const runs = [0, 1].map((seed) =>
    trainingSteps(source(), { ...options, rng: createRng(seed) }, (batch) => ({ batch }))
  );
  for (let step = 0; step < 9; step++) {
    for (const [i, run] of runs.entries()) {
      const { value } = await run.next();
      assertEquals(value, { step: step + 1, batch: expected[i]![step] });
    }
  }
});

Deno.test("trainingSteps() draws the order of an epoch once", async () => {
  const drawn: string[] = [];
  const root = createRng(0);
  const counted = (rng: typeof root): typeof root => ({
    ...rng,
    fork: (name) => counted(rng.fork(name)),
    permutation(count) {
      drawn.push(rng.path);
      return rng.permutation(count);
    },
  });
  await batchesFrom(0, counted(root));
  assertEquals(drawn, ["0/order/0", "0/order/1", "0/order/2"]);
});

Deno.test("trainingSteps() asks for the two batches after the next one, and for none beyond the end", async () => {
  const asking = source();
  for await (const _ of trainingSteps(asking, { ...options, done: 5 }, () => ({})));
  assertEquals(asking.asked, [
    ...["next 5", "prefetch 6", "prefetch 7"],
    ...["next 6", "prefetch 7", "prefetch 8"],
    ...["next 7", "prefetch 8"],
    "next 8",
  ]);
});

Deno.test("trainingSteps() waits for batches through the caller, and takes a step only when it is asked", async () => {
  const events: string[] = [];
  const steps = trainingSteps(source(), {
    ...options,
    async wait(batch) {
      events.push("wait");
      return await batch;
    },
  }, (_, step) => {
    events.push(`step ${step}`);
    return {};
  });
  await steps.next();
  await steps.next();
  await steps.return(undefined);
  assertEquals(events, ["wait", "step 0", "wait", "step 1"]);
});
