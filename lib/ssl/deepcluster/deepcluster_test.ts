import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { onFaultPoint } from "lib/runs/fault_points.ts";
import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { loadTraining, saveTraining } from "lib/ssl/method/checkpoint.ts";
import { embed } from "lib/ssl/method/embedding_network.ts";
import { batchGradients } from "lib/ssl/method/gradients.ts";
import type { Method, Moment } from "lib/ssl/method/method.ts";
import { firstWeights } from "lib/ssl/method/network.ts";
import type { Training } from "lib/ssl/method/step.ts";
import { trainByMethod, type TrainedStep, type ViewSource } from "lib/ssl/method/train.ts";
import { viewsOf } from "lib/ssl/views/views.ts";
import { deepClusterAlarms } from "./alarms.ts";
import { createDeepCluster, deepCluster } from "./deepcluster.ts";
import { createDeepClusterNetwork } from "./networks.ts";
import type { DeepClusterRecipe } from "./recipe.ts";
import { numberOf } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import {
  deepClusterTestImages as images,
  deepClusterTestRecipe as recipe,
} from "lib/testing/deepcluster_recipe.ts";
import { eachStep } from "lib/testing/steps.ts";
import { disposeTraining, numbersOf } from "lib/testing/methods.ts";

const count = 13;
const stepsPerEpoch = 3;

function newTraining(changes: Partial<DeepClusterRecipe> = {}): Training {
  const method = createDeepCluster({ ...recipe, ...changes }, firstWeights(createRng(0)), count);
  return { method, optimizer: new Map() };
}

interface Stretch {
  readonly done?: number;
  readonly until?: number;
  readonly source?: ViewSource;
  readonly changes?: Partial<DeepClusterRecipe>;
}

/** Trains from one step to another, and returns the metrics. */
async function train(
  training: Training,
  { done = 0, until = 12, source = images, changes = {} }: Stretch = {},
): Promise<TrainedStep[]> {
  const steps: TrainedStep[] = [];
  if (done === until) return steps;
  const options = { rng: createRng(0), done, readsAt: eachStep };
  for await (const step of trainByMethod(training, source, { ...recipe, ...changes }, options)) {
    steps.push(step);
    if (step.step === until) break;
  }
  return steps;
}

const at = (step: number, rng: Rng = createRng(step)): Moment => ({
  step,
  stepsPerEpoch,
  totalSteps: 12,
  rng,
});

// ---------------------------------------------------------------- step

for (const optimizer of ["adamw", "lars_swav"] as const) {
  Deno.test(`twelve steps of DeepCluster-v2 under ${optimizer} move every weight and give finite metrics`, async () => {
    const lr = optimizer === "adamw" ? 0.5 : recipe.lr;
    const training = newTraining({ optimizer, lr });
    const { method } = training;
    const before = new Map([...method.weights].map(([name, x]) => [name, x.dataSync().slice()]));
    const steps = await train(training, { changes: { optimizer, lr } });
    assertEquals(steps.length, 12);
    for (const metrics of steps) {
      const signals = ["featureStd", "projectionStd", "emptyClusters"];
      assertEquals(Object.keys(metrics), ["step", "lr", "loss", "gradNorm", ...signals]);
      const finite = Object.values(metrics).every((value) => Number.isFinite(value));
      assertTrue(finite && metrics.loss > 0, "finite metrics");
    }
    for (const [name, weight] of method.weights) {
      if (name === "projection_head.0.bias") continue; // the BatchNorm after it takes it away
      const moved = weight.dataSync().some((x, i) => x !== before.get(name)![i]);
      assertTrue(moved, `${name} has not moved`);
    }
    disposeTraining(training);
  });
}

Deno.test("before the first epoch the memory holds all images of the epoch, embedded crop by crop", async () => {
  const model = { ...recipe.model, dropPathRate: 0 } as DeepClusterRecipe["model"];
  const network = createDeepClusterNetwork(model, recipe.head, createRng(0));
  const method = deepCluster(network, { ...recipe, model }, count);
  // The first batch that is asked for ends the run, so that only the memory is filled.
  const asked: number[] = [];
  const source: ViewSource = {
    ...images,
    next(indices, step) {
      asked.push(step);
      if (step === 0) throw new Error("enough");
      return images.next(indices, step);
    },
  };
  let message = "";
  await train({ method, optimizer: new Map() }, { source }).catch((error) =>
    message = error.message
  );
  assertEquals([message, asked], ["enough", [12, 13, 14, 0]]); // the views of no training step
  const order = [...createRng(0).fork("order").fork(0).permutation(count).subarray(0, 12)];
  const remembered = [0, 1, 2].flatMap((i) => [
    ...method.state.get(`memory.images.${i}`)!.dataSync(),
  ]);
  assertEquals(remembered, order);
  const batch = await images.next(Uint32Array.from(order.slice(0, 4)), 12);
  const global = tf.tensor4d(batch.global, [8, 16, 16, 3]);
  const expected = (tf.split(global, 2) as tf.Tensor4D[]).map((crop) =>
    embed(network, { global: crop, local: null }, { training: true }).embeddings
  );
  assertClose(method.state.get("memory.embeddings.0")!, tf.stack(expected), 1e-5);
  method[Symbol.dispose]();
});

Deno.test("a step remembers the embeddings that it has trained on, also in micro-batches", async () => {
  const model = { ...recipe.model, dropPathRate: 0 } as DeepClusterRecipe["model"];
  const training = newTraining({ model });
  await train(training, { until: 4, changes: { model } });
  const { state } = training.method;
  const order = createRng(0).fork("order").fork(1).permutation(count);
  assertEquals([...state.get("memory.images.0")!.dataSync()], [...order.subarray(0, 4)]);
  const before = state.get("memory.embeddings.1")!.dataSync().slice();
  const indices = order.slice(4, 8);
  const batch = await images.next(indices, 4);
  const views = {
    global: tf.tensor4d(batch.global, [8, 16, 16, 3]),
    local: tf.tensor4d(batch.local, [8, 8, 8, 3]),
    indices,
  };
  for (const parts of [1, 2]) {
    const result = batchGradients(training.method, views, parts, at(4));
    assertEquals([...result.rows.images!.dataSync()], [...indices]);
    assertEquals(result.rows.first!.shape, [4, 6]);
    training.method.afterUpdate(result, at(4));
    const after = state.get("memory.embeddings.1")!;
    assertClose(after, tf.stack([result.rows.first!, result.rows.second!]), 0);
    assertTrue(after.dataSync().some((x, i) => x !== before[i]), "it was overwritten");
    assertEquals([...state.get("memory.images.1")!.dataSync()], [...indices]);
  }
  disposeTraining(training);
});

Deno.test("each micro-batch predicts the clusters of its own images", async () => {
  const model = { ...recipe.model, dropPathRate: 0 } as DeepClusterRecipe["model"];
  const training = newTraining({ model });
  await train(training, { until: 3, changes: { model } });
  const indices = Uint32Array.of(3, 5, 8, 2);
  const batch = await images.next(indices, 1);
  const views = {
    global: tf.tensor4d(batch.global, [8, 16, 16, 3]),
    local: tf.tensor4d(batch.local, [8, 8, 8, 3]),
    indices,
  };
  const lossOf = (part: typeof views, parts: number) =>
    numberOf(batchGradients(training.method, part, parts, at(4)).loss);
  const halves = [0, 2].map((first) => viewsOf(views, { first, count: 2 }) as typeof views);
  const expected = (lossOf(halves[0]!, 1) + lossOf(halves[1]!, 1)) / 2;
  assertClose(lossOf(views, 2), expected, 1e-5);
  const swapped = { ...views, indices: Uint32Array.of(8, 2, 3, 5) };
  assertTrue(Math.abs(lossOf(swapped, 2) - expected) > 0.01, "other clusters, another loss");
  disposeTraining(training);
});

Deno.test("DeepCluster-v2 learns: within an epoch, views predict the clusters of their images", async () => {
  const long: ViewSource = { ...images, next: (indices) => images.next(indices, 0) };
  const changes = { epochs: 1, optimizer: "adamw", lr: 1 } as const;
  const training = newTraining(changes);
  // One epoch of clusters, trained on again and again.
  const first = await train(training, { until: 3, source: long, changes });
  const rates = { ...changes, epochs: 30 };
  const { beforeEpoch: _, ...method } = training.method;
  const frozen: Training = { method: method as Method, optimizer: training.optimizer };
  const last = await train(frozen, { until: 60, source: long, changes: rates });
  const mean = (steps: TrainedStep[]) =>
    steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length;
  assertTrue(mean(last.slice(-3)) < 0.6 * mean(first), `${mean(first)} → ${mean(last.slice(-3))}`);
  disposeTraining(training);
});

Deno.test("epochs of DeepCluster-v2 keep no tensor, and disposing frees everything", async () => {
  const before = tf.memory().numTensors;
  const training = newTraining();
  await train(training, { until: 3 });
  const inside = tf.memory().numTensors;
  await train(training, { done: 3, until: 9 });
  assertEquals(tf.memory().numTensors, inside);
  disposeTraining(training);
  assertEquals(tf.memory().numTensors, before);
});

// ---------------------------------------------------------------- checkpoint

for (const saved of [1, 3, 5, 6]) {
  const where = saved % stepsPerEpoch === 0 ? "at the end of an epoch" : "within an epoch";
  Deno.test(`a run of DeepCluster-v2 saved after step ${saved}, ${where}, goes on with the same bits`, async () => {
    const path = Deno.makeTempFileSync();
    try {
      const [straight, resumed] = [newTraining(), newTraining()];
      const begun = await train(straight, { until: saved });
      await saveTraining(path, straight, saved);
      const rest = await train(straight, { done: saved });
      assertEquals([begun.length, rest.length], [saved, 12 - saved]);
      await train(resumed, { until: 4 }); // numbers of another run
      assertEquals(loadTraining(path, resumed), saved);
      assertEquals(await train(resumed, { done: saved }), rest);
      assertEquals(numbersOf(resumed), numbersOf(straight));
    } finally {
      Deno.removeSync(path);
    }
  });
}

for (const point of ["epoch begun", "epoch prepared"] as const) {
  Deno.test(`what a run of DeepCluster-v2 has at "${point}" goes on with the same bits`, async () => {
    const path = Deno.makeTempFileSync();
    try {
      const [straight, resumed] = [newTraining(), newTraining()];
      let passes = 0;
      let written: void | Promise<void> = undefined;
      onFaultPoint((reached) => {
        // The second epoch: the step number is that of the end of the first.
        if (reached !== point || ++passes !== 2) return;
        written = saveTraining(path, straight, stepsPerEpoch);
      });
      const steps = await train(straight);
      onFaultPoint(undefined);
      await written;
      assertEquals([passes, loadTraining(path, resumed)], [4, stepsPerEpoch]);
      const rest = await train(resumed, { done: stepsPerEpoch });
      assertEquals(rest, steps.slice(stepsPerEpoch));
      assertEquals(numbersOf(resumed), numbersOf(straight));
    } finally {
      onFaultPoint(undefined);
      Deno.removeSync(path);
    }
  });
}

// ---------------------------------------------------------------- collapse

interface Trial {
  readonly source?: ViewSource;
  readonly lr?: number;
  readonly begin?: (method: Method) => void;
}

/** The alarms of 108 steps without local crops, with the steps at which they are raised. */
async function alarmsOf({ source = images, lr = 1, begin = () => {} }: Trial): Promise<string[]> {
  const model = { ...recipe.model, dropPathRate: 0 } as DeepClusterRecipe["model"];
  const changes = { model, crops: { ...recipe.crops, localCrops: 0 }, epochs: 36, lr };
  const training = newTraining(changes);
  begin(training.method);
  const watch = alarmWatch(deepClusterAlarms, 0);
  const steps = await train(training, { until: 108, source, changes });
  disposeTraining(training);
  return steps.flatMap(({ step, ...metrics }) => {
    return watch({ step, metrics }).map(({ name }) => `${name} at ${step}`);
  });
}

Deno.test("a head that gives all images one embedding leaves clusters empty, and an alarm says so", async () => {
  const oneEmbedding = ({ state }: Method) => {
    const [weight, bias] = ["weight", "bias"].map((name) =>
      state.get(`network.projection_head.3.${name}`)!
    );
    weight!.assign(tf.zeros(weight!.shape));
    bias!.assign(tf.tensor1d([1, 0, 0, 0, 0, 0])); // all products are exactly 1
  };
  const alarms = await alarmsOf({ begin: oneEmbedding, lr: 1e-9 }); // it stays so
  assertEquals(alarms, ["alarmEmptyClusters at 100"]);
});

Deno.test("an alarm says that DeepCluster-v2 sees no difference between images", async () => {
  const same: ViewSource = {
    ...images,
    async next(indices) {
      const batch = await images.next(indices, 0);
      const first = (_: number, i: number) => batch.global[i % (16 * 16 * 3)]!;
      return { ...batch, global: batch.global.map(first) };
    },
  };
  const alarms = await alarmsOf({ source: same });
  assertTrue(alarms.includes("alarmSameFeatures at 100"), `${alarms}`);
});

Deno.test("a run of DeepCluster-v2 on images of several colours raises no alarm", async () => {
  assertEquals(await alarmsOf({}), []);
});

Deno.test("deepClusterAlarms watch empty clusters and features", () => {
  const healthy = { emptyClusters: 0.1, featureStd: 0.3 };
  const shown = (metrics: Readonly<Record<string, number>>) =>
    deepClusterAlarms.filter((alarm) => alarm.shows(metrics)).map(({ name }) => name);
  assertEquals(shown(healthy), []);
  assertEquals(shown({ ...healthy, emptyClusters: 0.6 }), ["alarmEmptyClusters"]);
  assertEquals(shown({ ...healthy, featureStd: 0.01 }), ["alarmSameFeatures"]);
  for (const { message } of deepClusterAlarms) assertTrue(message.includes("lower lr"), message);
});
