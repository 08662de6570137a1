import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { Method, Moment } from "./method.ts";
import type { CommonRecipe } from "./recipe.ts";
import { trainByMethod, type ViewSource } from "./train.ts";
import { scalarReading } from "lib/train/reading.ts";
import { alone } from "lib/distributed/world.ts";
import { assertClose, assertEquals, assertRejects } from "lib/testing/assert.ts";

const crops = { ...dinoCrops, globalSize: 2, localSize: 2, localCrops: 1 };
const recipe: CommonRecipe = {
  model: {
    arch: "resnet",
    block: "bottleneck",
    depths: [1],
    dims: [4],
    selectiveKernels: false,
  }, // no network is made
  crops,
  optimizer: "sgd",
  batchSize: 4,
  accumulate: 2,
  epochs: 2,
  lr: 64,
  minLr: 0.5,
  warmupShare: 0,
  weightDecay: 0,
  weightDecayEnd: 0,
  clipNorm: 0,
  precision: "bf16",
};
const views: ViewSource = {
  count: 4,
  next: (indices) =>
    Promise.resolve({
      images: 4,
      global: Float32Array.from({ length: 2 * 4 * 12 }, (_, i) => indices[Math.floor(i / 12) % 4]!),
      local: new Float32Array(4 * 12),
    }),
  prefetch() {},
};

/** One weight w whose loss on an image of value x is w · x: its gradient is the mean of x. */
function linearMethod(seen: Moment[], batches: unknown[]): Method {
  const w = tf.variable(tf.tensor1d([1]));
  return {
    evaluated: null as unknown as Method["evaluated"],
    weights: new Map([["w", w]]),
    state: new Map([["student.w", w]]),
    alarms: [],
    optimizerValues: () => ({ lr: 0.25, weightDecay: 0 }),
    pass({ global }, now) {
      seen.push(now);
      const x = global.mean([1, 2, 3]); // [2 · b]
      return {
        loss: () => w.mul(x.mean()).asScalar(),
        means: { mean: x.mean() },
        rows: { x: x as tf.Tensor },
      };
    },
    afterUpdate: ({ means, rows }, { step }) =>
      void batches.push([
        step,
        means.mean!.dataSync()[0],
        [...rows.x!.dataSync()],
        w.dataSync()[0],
      ]),
    signals: ({ means }) => ({ mean: scalarReading(means.mean!) }),
    [Symbol.dispose]: () => w.dispose(),
  };
}

Deno.test("trainByMethod() gives a method its micro-batches, and their means and rows joined after the update", async () => {
  const [seen, batches]: [Moment[], unknown[][]] = [[], []];
  const optimizer = new Map();
  using method = linearMethod(seen, batches);
  const steps = [];
  const run = { rng: createRng(0), done: 0 };
  for await (const step of trainByMethod({ method, optimizer }, views, recipe, run)) {
    steps.push(step);
  }
  assertEquals(steps.map(({ step, lr, mean }) => [step, lr, mean]), [[1, 0.25, 1.5], [
    2,
    0.25,
    1.5,
  ]]);
  assertClose(steps.map(({ loss }) => loss), [1.5, 1.5 * 0.625]); // the mean of 0, 1, 2, 3
  assertEquals(steps.map(({ gradNorm }) => gradNorm), [1.5, 1.5]);
  assertEquals(batches[0]![3], 0.625); // afterUpdate comes after the update: 1 − 0.25 · 1.5
  for (const [, , rows] of batches) {
    const images = rows as number[];
    // Both views of the first two images, then both views of the others.
    assertEquals(images.slice(0, 2), images.slice(2, 4));
    assertEquals(images.toSorted(), [0, 0, 1, 1, 2, 2, 3, 3]);
  }
  // The optimiser is SGD, as the recipe says.
  assertEquals([...optimizer.get("w").tensors.momentum.dataSync()].length, 1);
  assertEquals(seen.map(({ step, precision, rng }) => [step, precision, rng.path]), [
    [0, "bf16", "0/drop path/0/part 0"],
    [0, "bf16", "0/drop path/0/part 1"],
    [1, "bf16", "0/drop path/1/part 0"],
    [1, "bf16", "0/drop path/1/part 1"],
  ]);
  assertEquals(seen[0]!.totalSteps, 2);
});

/** What a method is told of its images: before each epoch, and in each pass. */
function listeningMethod(told: unknown[]): Method {
  const { pass, ...method } = linearMethod([], []);
  return {
    ...method,
    async beforeEpoch({ epoch, step, totalSteps, rng, views }) {
      const batches = [];
      for await (const { global, indices } of views()) {
        batches.push([...indices!]);
        assertEquals(global.shape, [8, 2, 2, 3]);
      }
      told.push([epoch, step, totalSteps, rng.path, batches]);
    },
    pass(views, now) {
      told.push([now.step, [...views.indices!]]);
      return pass(views, now);
    },
  };
}

Deno.test("trainByMethod() lets a method act before each epoch, also if it goes on from there, and says which images a batch has", async () => {
  const asked: number[] = [];
  const source: ViewSource = {
    ...views,
    count: 9, // two batches, and one image left out
    next(indices, step) {
      asked.push(step);
      return views.next(indices, step);
    },
  };
  const order = (epoch: number) => [...createRng(0).fork("order").fork(epoch).permutation(9)];
  const batches = (epoch: number) => [order(epoch).slice(0, 4), order(epoch).slice(4, 8)];
  const epoch = (number: number) => {
    const [first, second] = batches(number);
    const steps = [first!, second!].flatMap((batch, i) => [
      [2 * number + i, batch.slice(0, 2)], // two micro-batches
      [2 * number + i, batch.slice(2)],
    ]);
    return [[number, 2 * number, 4, `0/before epoch/${number}`, [first, second]], ...steps];
  };
  for (
    const { done, told: expected, asked: steps } of [
      { done: 0, told: [...epoch(0), ...epoch(1)], asked: [4, 5, 0, 1, 6, 7, 2, 3] },
      { done: 1, told: [...epoch(0).slice(3), ...epoch(1)], asked: [1, 6, 7, 2, 3] },
      { done: 2, told: epoch(1), asked: [6, 7, 2, 3] },
    ]
  ) {
    const told: unknown[] = [];
    asked.length = 0;
    using method = listeningMethod(told);
    const run = { rng: createRng(0), done };
    for await (const _ of trainByMethod({ method, optimizer: new Map() }, source, recipe, run));
    assertEquals(told, expected);
    assertEquals(asked, steps); // other views than those of any step
  }
});

Deno.test("trainByMethod() refuses several processes for a method that needs the whole batch, or that cannot share it", async () => {
  using method = linearMethod([], []);
  const first = (method: Method, size: number) => {
    const options = { rng: createRng(0), done: 0, world: { ...alone, size } };
    return trainByMethod({ method, optimizer: new Map() }, views, recipe, options).next();
  };
  const message = "Cannot train by this method with 2 processes: ";
  await assertRejects(() => first(method, 2), RangeError, message + "it needs the whole batch");
  const whole = { ...method, divides: "of its memory" };
  await assertRejects(() => first(whole, 2), RangeError, message + "of its memory");
  const divided = { ...method, divides: true } as const;
  await assertRejects(() => first(divided, 3), RangeError, "Cannot share 2 images equally among 3");
});
