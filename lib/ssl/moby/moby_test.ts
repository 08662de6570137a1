import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { countCosts } from "lib/nn/cost.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { optimizerNames } from "lib/train/optimizer_names.ts";
import { batchGradients } from "lib/ssl/method/gradients.ts";
import type { Method } from "lib/ssl/method/method.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import { createModel } from "lib/models/mod.ts";
import { loadWeights, saveWeights } from "lib/weights/weights.ts";
import { mobyCrops } from "./crops.ts";
import { chanceLoss, contrastiveLoss, foundKeys } from "./loss.ts";
import { createMoby } from "./moby.ts";
import { mobyHeadCost } from "./networks.ts";
import { createQueues, enqueue } from "./queue.ts";
import { keyMomentum, type MobyRecipe, mobyValues } from "./recipe.ts";
import { numberOf } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import {
  assertKeepsNoTensor,
  assertNamesBadWeights,
  assertResumes,
  colouredPairs,
  disposeTraining,
  fewWeights,
  momentAt,
  tinyImages,
  tinyRecipe,
  tinyViews,
  valuesOf,
} from "lib/testing/methods.ts";

const recipe: MobyRecipe = {
  method: "moby",
  ...tinyRecipe,
  head: { hiddenDim: 12, outDim: 6 },
  crops: { ...mobyCrops, globalSize: 16 },
  batchSize: 6,
  warmupLr: 0.01,
  clipNorm: 5,
  temperature: 0.2,
  keyMomentum: 0.9,
  queueLength: 18,
};

function newTraining(changes: Partial<MobyRecipe> = {}): Training {
  const method = createMoby({ ...recipe, ...changes }, firstWeights(createRng(0)));
  return { method, optimizer: new Map() };
}

/** Rows of unit length. */
function units(rows: number, columns: number, seed: number): tf.Tensor2D {
  const x = tf.randomNormal<tf.Rank.R2>([rows, columns], 0.3, 2, "float32", seed);
  return x.div(x.norm("euclidean", 1, true));
}

// ---------------------------------------------------------------- loss and queues

const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** InfoNCE of each query among its own key and the columns of the queue, written out; the mean. */
function writtenOut(q: number[][], k: number[][], queue: number[][], T: number): number {
  const others = queue[0]!.map((_, column) => queue.map((row) => row[column]!));
  const losses = q.map((query, i) => {
    const own = Math.exp(dot(query, k[i]!) / T);
    return -Math.log(
      own / others.reduce((sum, key) => sum + Math.exp(dot(query, key) / T), own),
    );
  });
  return losses.reduce((sum, loss) => sum + loss) / losses.length;
}

for (const [batch, length, temperature] of [[1, 2, 0.5], [4, 8, 0.2], [3, 15, 1]] as const) {
  Deno.test(`contrastiveLoss() equals the written-out loss of ${batch} queries and a queue of ${length}`, () => {
    const [q, k] = [units(batch, 5, 1), units(batch, 5, 2)];
    const queue = units(length, 5, 3).transpose<tf.Tensor2D>();
    const expected = writtenOut(q.arraySync(), k.arraySync(), queue.arraySync(), temperature);
    assertClose(contrastiveLoss(q, k, queue, temperature), expected, 1e-5);
  });
}

Deno.test("contrastiveLoss() has the gradient of the written-out loss, in the queries", () => {
  const [q, k, queue] = [units(3, 4, 1), units(3, 4, 2), units(6, 4, 3).transpose<tf.Tensor2D>()];
  const loss = (x: tf.Tensor) => contrastiveLoss(x as tf.Tensor2D, k, queue, 0.4);
  const gradient = tf.grad(loss)(q).dataSync();
  const [rows, keys, columns] = [q.arraySync(), k.arraySync(), queue.arraySync()];
  const h = 1e-4;
  rows.flatMap((row, i) =>
    row.map((_, j) => {
      const moved = (by: number) =>
        writtenOut(rows.with(i, row.with(j, row[j]! + by)), keys, columns, 0.4);
      return (moved(h) - moved(-h)) / (2 * h);
    })
  ).forEach((slope, i) => assertTrue(Math.abs(slope - gradient[i]!) < 1e-4, `element ${i}`));
});

Deno.test("chanceLoss() is the loss of both views where all keys are the same", () => {
  const same = tf.ones<tf.Rank.R2>([4, 1]);
  const loss = contrastiveLoss(same, same, tf.ones([1, 12]), 0.3);
  assertClose(loss.mul(2), chanceLoss(12), 1e-5);
});

Deno.test("foundKeys() says which queries are nearer to their own key than to any of the queue", () => {
  const queue = tf.tensor2d([[0, -1], [1, 0]]); // two keys, in columns
  const [queries, keys] = [tf.tensor2d([[1, 0], [0.6, 0.8]]), tf.tensor2d([[1, 0], [1, 0]])];
  assertEquals([...foundKeys(queries, keys, queue).dataSync()], [1, 0]);
});

Deno.test("queues begin with different keys of unit length, and are overwritten batch by batch, in a circle", () => {
  const queues = createQueues(3, 6, createRng(0));
  const { queue1, queue2, queue_ptr } = queues;
  const first = [queue1, queue2].map((queue) => queue.arraySync());
  assertTrue(String(first[0]) !== String(first[1]), "two queues");
  for (const queue of [queue1, queue2]) assertClose(queue.square().sum(0), [1, 1, 1, 1, 1, 1]);
  const batch = (value: number) =>
    [tf.fill([2, 3], value), tf.fill([2, 3], -value)] as [tf.Tensor2D, tf.Tensor2D];
  const rowAfter = [first[0]![0]!];
  for (const [i, value] of [1, 2, 3, 4].entries()) {
    enqueue(queues, batch(value));
    assertEquals(queue_ptr.dataSync()[0], 2 * ((i + 1) % 3));
    rowAfter.push(queue1.arraySync()[0]!);
  }
  const old = rowAfter[0]!;
  assertEquals(rowAfter.slice(1), [
    [1, 1, ...old.slice(2)],
    [1, 1, 2, 2, ...old.slice(4)],
    [1, 1, 2, 2, 3, 3],
    [4, 4, 2, 2, 3, 3],
  ]);
  assertEquals(queue2.arraySync()[2], [-4, -4, -2, -2, -3, -3]);
  const keys = batch(5);
  assertNoLeak(() => enqueue(queues, keys));
});

// ---------------------------------------------------------------- networks and schedules

Deno.test("both encoders of MoBY start from the same weights, the backbone from the run's own", () => {
  const { method } = newTraining();
  const expected = namedVariables(createModel(recipe.model, backboneStream(0)).params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`encoder.${name}`) === weight, `${name} is in the state`);
  }
  const averages = [...method.state].filter(([name]) => name.includes("_k."));
  for (const [name, average] of averages) {
    assertEquals(average.dataSync(), method.state.get(name.replace("_k.", "."))!.dataSync(), name);
  }
  assertEquals(averages.length, expected.size + 8); // the projector's weights and statistics
});

Deno.test("mobyValues() warms up from warmupLr, follows a cosine of the whole run, and is a step late", () => {
  const changed = { ...recipe, batchSize: 512, lr: 0.2, minLr: 0.1, warmupShare: 0.1 };
  const lr = (step: number) => mobyValues(changed, { step, totalSteps: 100 }).lr;
  const cosine = (t: number) => 0.1 + 0.5 * 0.3 * (1 + Math.cos(Math.PI * t / 100));
  assertClose([0, 1, 2, 10].map(lr), [0.01, 0.01, 0.01 + 0.039, 0.01 + 9 * 0.039]);
  assertClose([11, 51, 99].map(lr), [10, 50, 98].map(cosine));
  const momentum = (step: number) => keyMomentum(recipe, { step, totalSteps: 100 });
  assertClose([0, 50, 99].map(momentum), [
    ...[0.9, 0.95],
    1 - 0.1 * (Math.cos(Math.PI * 0.99) + 1) / 2,
  ]);
});

Deno.test("mobyHeadCost() counts what the heads report as they run", () => {
  const { method } = newTraining();
  const global = tf.zeros<tf.Rank.R4>([4, 16, 16, 3]);
  const costOf = (run: () => void) =>
    countCosts(run).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const backbone = costOf(() => void method.evaluated.forward(global, { training: false }));
  let pass: ReturnType<Method["pass"]> | undefined;
  const constant = costOf(() => pass = method.pass({ global, local: null }, momentAt(0))) -
    backbone;
  const onTape = costOf(() => void pass!.loss()) - backbone;
  assertEquals(mobyHeadCost(16, recipe.head), { onTape: onTape / 4, constant: constant / 4 });
});

// ---------------------------------------------------------------- step

/** Whether a BatchNorm after this bias subtracts it again, so that its gradient is 0. */
const isIdle = (name: string) =>
  /(linear_hidden\.1|encoder\.norm|projector\.linear_out)\.bias$/.test(name);

for (const optimizer of optimizerNames) {
  Deno.test(`a step of MoBY under ${optimizer} moves the average, the weights and the queues`, () => {
    const training = newTraining({ batchSize: 256, lr: 0.01, queueLength: 256 });
    const { method } = training;
    const options = { ...recipe, optimizer };
    trainStep(training, tinyViews(), options, momentAt(0)); // the encoders now differ
    const before = valuesOf(method.state);
    const metrics = trainStep(training, tinyViews(), options, momentAt(3));
    const names = ["loss", "gradNorm", "featureStd", "projectionStd", "contrastAccuracy"];
    assertEquals(Object.keys(metrics), names);
    assertTrue(Object.values(metrics).every(Number.isFinite), "finite metrics");
    const m = keyMomentum(recipe, momentAt(3));
    for (const [name, weight] of method.weights) {
      const moved = weight.dataSync().some((x, i) => x !== before.get(name)![i]);
      assertTrue(moved || isIdle(name), `${name} has not moved`);
      const ofAverage = name.replace(/^(encoder|projector)\./, "$1_k.");
      if (ofAverage === name) continue; // the predictor
      const expected = before.get(ofAverage)!.map((x, i) =>
        m * x + (1 - m) * before.get(name)![i]!
      );
      assertClose(method.state.get(ofAverage)!, expected, 1e-5); // of the weight before this step
    }
    assertEquals([...method.state.get("queue_ptr")!.dataSync()], [2 * tinyImages]);
    const keys = method.state.get("queue2")!.slice([0, tinyImages], [-1, tinyImages]);
    assertClose(keys.square().sum(0), Array(tinyImages).fill(1));
    disposeTraining(training);
  });
}

Deno.test("only the network that is trained drops paths, and keys do not depend on the stream", () => {
  const { method } = newTraining({ model: { ...recipe.model, dropPathRate: 0.5 } as never });
  const given = tinyViews();
  const run = (seed: number) =>
    batchGradients(method, given, 1, { ...momentAt(0), rng: createRng(seed) });
  const [a, b] = [run(1), run(2)];
  assertEquals(a.rows.keys1!.dataSync(), b.rows.keys1!.dataSync());
  assertTrue(a.loss !== b.loss, "queries depend on it");
});

Deno.test("gradients of MoBY are clipped by the norm of all together", () => {
  // SGD's first buffer is the gradient itself, where nothing decays.
  const gradients = (clipNorm: number) => {
    const training = newTraining({ weightDecay: 0, weightDecayEnd: 0 });
    const { gradNorm } = trainStep(
      training,
      tinyViews(),
      { optimizer: "sgd", clipNorm },
      momentAt(3),
    );
    const slots = [...training.optimizer.values()];
    const kept = slots.flatMap(({ tensors }) => [...tensors.momentum!.dataSync<"float32">()]);
    return { gradNorm, kept };
  };
  const [free, clipped] = [gradients(0), gradients(0.5)];
  assertTrue(free.gradNorm > 0.5, `${free.gradNorm}`);
  assertClose(clipped.kept, free.kept.map((value) => value * 0.5 / free.gradNorm), 1e-5);
});

Deno.test("in micro-batches, loss, gradients and keys are those of the parts", () => {
  const { method } = newTraining({ model: { ...recipe.model, dropPathRate: 0 } as never });
  const { global } = tinyViews();
  const whole = batchGradients(method, { global, local: null }, 3, momentAt(0));
  const parts = [0, 2, 4].map((from) => {
    const part = tf.concat(tf.split(global, 2).map((view) => view.slice([from], [2])));
    return batchGradients(method, { global: part as tf.Tensor4D, local: null }, 1, momentAt(0));
  });
  const sum = parts.reduce((sum, { loss }) => sum + numberOf(loss), 0);
  assertClose(numberOf(whole.loss), sum / 3, 1e-6);
  for (const name of ["keys1", "keys2"]) {
    assertClose(whole.rows[name]!, tf.concat(parts.map(({ rows }) => rows[name]!)), 1e-5);
  }
  const name = "predictor.linear_out.weight";
  const mean = tf.addN(parts.map(({ grads }) => grads[name]!)).div(3);
  assertClose(whole.grads[name]!, mean, 1e-4);
});

Deno.test("a step of MoBY keeps no tensor, in one pass and in micro-batches, and disposing frees everything", () => {
  assertKeepsNoTensor(newTraining, [1, 3]);
});

Deno.test("a loss of MoBY that is not finite names the first bad tensor, and changes neither weights nor queues", () => {
  const moving = /running_|_k\./;
  assertNamesBadWeights(newTraining(), "projector_k.linear_out.weight", moving);
});
Deno.test("MoBY learns: in sixty steps it comes to tell the images of a batch from earlier ones", () => {
  const training = newTraining({
    ...fewWeights,
    head: { hiddenDim: 8, outDim: 4 },
    batchSize: 8,
    lr: 0.64, // 0.02 for a batch of 8
    warmupLr: 0,
    queueLength: 16,
  });
  const losses = Array.from(
    { length: 60 },
    (_, step) =>
      tf.tidy(() => trainStep(training, colouredPairs(step), { clipNorm: 5 }, momentAt(0)).loss),
  );
  const mean = (part: number[]) => part.reduce((sum, x) => sum + x) / part.length;
  const [first, last] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
  assertTrue(last < 0.7 * first, `the loss went from ${first} to ${last}`);
  disposeTraining(training);
});

// ---------------------------------------------------------------- checkpoint

for (const optimizer of ["adamw", "lars_byol"] as const) {
  Deno.test(`a run of MoBY saved and loaded under ${optimizer} goes on with the same bits, queues too`, async () => {
    await assertResumes(newTraining, optimizer, 5);
    assertTrue(newTraining().method.state.has("queue_ptr"), "the queues are in the state");
  });
}

Deno.test("a file with the official names loads whole, and a backbone from it is the trained one", async () => {
  const path = Deno.makeTempFileSync({ suffix: ".safetensors" });
  try {
    const [theirs, ours] = [newTraining().method, newTraining().method];
    for (const [i, weight] of [...theirs.state.values()].entries()) {
      weight.assign(tf.randomNormal(weight.shape, 0, 1, "float32", i + 1));
    }
    const [from, to] = [theirs, ours].map(({ state }) => ({ params: Object.fromEntries(state) }));
    await saveWeights({ params: { model: from!.params } }, path); // { "model": state_dict }
    const { missing, unexpected } = await loadWeights(to!, path);
    assertEquals([missing, unexpected], [[], []]);
    assertEquals(valuesOf(ours.state), valuesOf(theirs.state));
    using backbone = createModel(recipe.model, createRng(0));
    const { prefix } = await loadWeights(backbone, path, { strict: false });
    assertEquals(prefix, "model.encoder.");
  } finally {
    Deno.removeSync(path);
  }
});

// ---------------------------------------------------------------- wrong options

Deno.test("createMoby() refuses what it cannot follow, and names the value", () => {
  for (
    const [changes, text] of [
      [{ head: { hiddenDim: 0, outDim: 6 } }, "recipe.head.hiddenDim 0: need a whole number"],
      [{ head: { hiddenDim: 4, outDim: 2.5 } }, "recipe.head.outDim 2.5"],
      [{ temperature: 0 }, "recipe.temperature 0: need a number above 0"],
      [{ keyMomentum: 1.5 }, "recipe.keyMomentum 1.5: need a number from 0 to 1"],
      [{ warmupLr: -1 }, "recipe.warmupLr -1: need a number of at least 0"],
      [{ queueLength: 20 }, "recipe.queueLength 20: need a multiple of the batch size, 6"],
      [{ queueLength: 0 }, "recipe.queueLength 0: need a multiple"],
      [{ crops: { ...recipe.crops, localCrops: 2 } }, "recipe.crops.localCrops 2: need 0"],
      [{ accumulate: 4 }, "micro-batches of 1: need 2 images"],
    ] as const
  ) {
    const create = () => createMoby({ ...recipe, ...changes }, createRng(0));
    assertThrows(create, RangeError, text);
  }
});
