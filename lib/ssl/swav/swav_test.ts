import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { optimizerNames } from "lib/train/optimizer_names.ts";
import { disposeOptimizer } from "lib/train/optimizer_state.ts";
import { alarmWatch } from "lib/ssl/method/alarms.ts";
import { loadTraining, saveTraining } from "lib/ssl/method/checkpoint.ts";
import { embed } from "lib/ssl/method/embedding_network.ts";
import { batchGradients } from "lib/ssl/method/gradients.ts";
import type { Method, Moment } from "lib/ssl/method/method.ts";
import { firstWeights } from "lib/ssl/method/network.ts";
import { type Training, trainStep } from "lib/ssl/method/step.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { swavAlarms } from "./alarms.ts";
import { createSwavNetwork } from "./networks.ts";
import type { Queue } from "./queue.ts";
import type { SwavRecipe } from "./recipe.ts";
import { sinkhorn } from "./sinkhorn.ts";
import { createSwav, swav } from "./swav.ts";
import { testRecipe, testViews } from "lib/testing/swav_recipe.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { colouredPairs, disposeTraining, numbersOf } from "lib/testing/methods.ts";

/** Four epochs of four steps: the prototypes thaw and the queue begins after the first. */
const at = (step: number): Moment => ({
  step,
  stepsPerEpoch: 4,
  totalSteps: 16,
  rng: createRng(step),
});

function newTraining(changes: Partial<SwavRecipe> = {}): Training {
  const method = createSwav({ ...testRecipe, ...changes }, firstWeights(createRng(0)));
  return { method, optimizer: new Map() };
}

// ---------------------------------------------------------------- step

for (const optimizer of optimizerNames) {
  Deno.test(`a step of SwAV under ${optimizer} moves every weight and gives finite metrics`, () => {
    const training = newTraining();
    const { method } = training;
    const before = new Map([...method.weights].map(([name, x]) => [name, x.dataSync().slice()]));
    const metrics = trainStep(training, testViews(), { ...testRecipe, optimizer }, at(5));
    const signals = ["featureStd", "projectionStd", "codeEntropy", "deadPrototypes"];
    assertEquals(Object.keys(metrics), ["loss", "gradNorm", ...signals]);
    for (const value of Object.values(metrics)) {
      assertTrue(Number.isFinite(value), "finite metrics");
    }
    for (const [name, weight] of method.weights) {
      if (name === "projection_head.0.bias") continue; // the BatchNorm after it takes it away
      const moved = weight.dataSync().some((x, i) => x !== before.get(name)![i]);
      assertTrue(moved, `${name} has not moved`);
    }
    const lengths = method.weights.get("prototypes.weight")!.square().sum(0).sqrt();
    assertClose(lengths, new Array(8).fill(1), 1e-6);
    disposeTraining(training);
  });
}

Deno.test("frozen prototypes stay where they are, and have no moments that would move them later", () => {
  const training = newTraining();
  const { weights } = training.method;
  const before = weights.get("prototypes.weight")!.dataSync().slice();
  const step = (i: number) => trainStep(training, testViews(i), testRecipe, at(i));
  [0, 1, 2, 3].forEach(step);
  assertClose(weights.get("prototypes.weight")!, before, 1e-6);
  assertEquals(training.optimizer.has("prototypes.weight"), false);
  step(4);
  assertEquals(training.optimizer.get("prototypes.weight")!.steps, 1);
  const moved = weights.get("prototypes.weight")!.sub(tf.tensor(before, [6, 8]));
  assertTrue(moved.abs().max().dataSync()[0]! > 1e-4, "they move after the first epoch");
  disposeTraining(training);
});

Deno.test("the queue holds the global crops' embeddings, and is assigned with them once it is full", () => {
  const model = { ...testRecipe.model, dropPathRate: 0 } as SwavRecipe["model"];
  const network = createSwavNetwork(model, testRecipe.head, createRng(0));
  const method = swav(network, testRecipe);
  const training: Training = { method, optimizer: new Map() };
  const queue = method.state.get("queue") as Queue;
  assertEquals(queue.shape, [2, 8, 6]); // whole batches: 8 of 9
  trainStep(training, testViews(3), testRecipe, at(3));
  assertEquals(queue.dataSync().some((x) => x !== 0), false, "not before its epoch");
  for (const i of [4, 5]) {
    const { embeddings } = embed(network, testViews(i), { training: true });
    const [first, second] = tf.split(embeddings, 4); // of the two global crops
    trainStep(training, testViews(i), testRecipe, at(i));
    const front = queue.slice([0, 0, 0], [2, 4, 6]);
    assertClose(front, tf.concat([first!, second!]).reshape([2, 4, 6]), 1e-4);
  }
  // Full now. The codes are those of queue and batch together, of which the batch's are the last.
  const { rows } = batchGradients(method, testViews(6), 1, at(6));
  const prototypes = network.params.prototypes.weight;
  const { epsilon, sinkhornIterations: iterations } = testRecipe;
  const expected = [0, 1].map((crop) => {
    const queued = queue.slice([crop, 0, 0], [1, 8, 6]).reshape([8, 6]);
    const own = rows.embeddings!.slice([4 * crop, 0], [4, 6]);
    const scores = tf.matMul(tf.concat([queued, own]) as tf.Tensor2D, prototypes);
    return [...sinkhorn(scores.dataSync<"float32">(), 8, { epsilon, iterations }).slice(-32)];
  });
  assertClose(rows.codes!, expected.flat(), 1e-4);
  disposeTraining(training);
});

Deno.test("the loss changes with the assignment, but no gradient goes through it", () => {
  const { method } = newTraining({ queueLength: 0, freezePrototypesShare: 0 });
  const { grads, rows } = batchGradients(method, testViews(), 1, at(0));
  // With assignments that do not depend on the network, the gradient would be the same: compared
  // with the derivative of the cross-entropy for these assignments, for the prototypes.
  const grad = grads["prototypes.weight"]!; // [E, K]
  const { weights } = method;
  const W = weights.get("prototypes.weight")!;
  const network = createSwavNetwork(testRecipe.model, testRecipe.head, firstWeights(createRng(0)));
  const { embeddings: z } = embed(network, testViews(), { training: true, rng: at(0).rng });
  const p = tf.softmax(tf.matMul(z, W as unknown as tf.Tensor2D).div(testRecipe.temperature));
  const [q0, q1] = tf.split(rows.codes!, 2);
  // Each local crop predicts both assignments, each global crop the other's: [V·B, K] in all.
  const both = q0!.add(q1!);
  const targets = tf.concat([q1!, q0!, both, both]);
  const counts = tf.concat([tf.ones([8, 1]), tf.fill([8, 1], 2)]); // assignments of each view
  const dScores = p.mul(counts).sub(targets).div(testRecipe.temperature * 4 * 3 * 2);
  assertClose(grad, tf.matMul(z, dScores as tf.Tensor2D, true), 1e-4);
});

/** A network of a few weights. */
const tiny: SwavRecipe = {
  ...testRecipe,
  model: {
    ...testRecipe.model,
    dims: [4, 8],
    patchSize: 2,
    dropPathRate: 0,
  } as SwavRecipe["model"],
  head: { hiddenDim: 8, outDim: 4, prototypes: 8 },
  batchSize: 256, // the learning rate is as given
  queueLength: 0,
  freezePrototypesShare: 0,
  weightDecay: 0,
  weightDecayEnd: 0,
};

Deno.test("SwAV learns: forty steps on the same views predict the assignments better", () => {
  const method = createSwav({ ...tiny, lr: 0.02 }, createRng(0));
  const training: Training = { method, optimizer: new Map() };
  const same = colouredPairs(0);
  const losses = Array.from(
    { length: 40 },
    () => trainStep(training, same, { clipNorm: 0 }, at(0)).loss,
  );
  const [first, last] = [losses[0]!, losses.at(-1)!];
  assertTrue(last < 0.5 * first, `the loss went from ${first} to ${last}`);
  disposeTraining(training);
});

Deno.test("a step of SwAV keeps no tensor, and disposing frees everything", () => {
  const before = tf.memory().numTensors;
  const given = testViews();
  const training = newTraining();
  for (const step of [5, 5]) trainStep(training, given, { clipNorm: 1 }, at(step)); // fills the queue
  assertNoLeak(() => void trainStep(training, given, { clipNorm: 1 }, at(5)));
  disposeTraining(training);
  tf.dispose([given.global, given.local!]);
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("a loss of SwAV that is not finite names the first bad tensor, and changes no weight", () => {
  const training = newTraining();
  const weight = training.method.state.get("network.projection_head.3.weight")!;
  weight.assign(tf.fill(weight.shape, NaN));
  const numbers = () => [...numbersOf(training)].filter(([name]) => !name.includes("running_"));
  const before = numbers();
  const step = () => trainStep(training, testViews(), { clipNorm: 0 }, at(5));
  const text = "the first tensor that is not finite is network.projection_head.3.weight";
  assertThrows(step, RangeError, text);
  assertEquals(numbers(), before);
});

// ---------------------------------------------------------------- checkpoint

for (const optimizer of ["adamw", "lars_swav"] as const) {
  for (const [saved, when] of [[3, "before the queue"], [5, "half full"], [7, "full"]] as const) {
    Deno.test(`a run of SwAV saved ${when} under ${optimizer} goes on with the same bits`, async () => {
      const path = Deno.makeTempFileSync();
      try {
        const [straight, resumed] = [newTraining(), newTraining()];
        const step = (training: Training, i: number) =>
          void trainStep(training, testViews(i), { clipNorm: 0, optimizer }, at(i));
        for (let i = 0; i < 9; i++) {
          if (i === saved) await saveTraining(path, straight, i);
          step(straight, i);
        }
        step(resumed, 12); // numbers of another run
        assertEquals(loadTraining(path, resumed), saved);
        for (let i = saved; i < 9; i++) step(resumed, i);
        assertEquals(numbersOf(resumed), numbersOf(straight));
        const names = [...numbersOf(resumed).keys()];
        assertTrue(names.includes("queue") && names.includes("prototypes.idle"), "both are saved");
      } finally {
        Deno.removeSync(path);
      }
    });
  }
}

// ---------------------------------------------------------------- collapse

interface Trial {
  readonly changes?: Partial<SwavRecipe>;
  readonly steps?: number;
  readonly views?: (step: number) => Views;
  readonly begin?: (method: Method) => void;
}

/** The alarms of a run of some steps, with the steps at which they are raised. */
function alarmsOf(
  { changes = {}, steps = 110, views = colouredPairs, begin = () => {} }: Trial,
): string[] {
  const changed = { ...tiny, lr: 0.01, ...changes };
  using method = createSwav(changed, createRng(0));
  begin(method);
  const training: Training = { method, optimizer: new Map() };
  const watch = alarmWatch(swavAlarms(changed.head.prototypes), 0);
  const raised = Array.from({ length: steps }, (_, i) => {
    const metrics = tf.tidy(() => trainStep(training, views(i), changed, at(4)));
    return watch({ step: i + 1, metrics }).map(({ name }) => `${name} at ${i + 1}`);
  });
  disposeOptimizer(training.optimizer);
  return raised.flat();
}

Deno.test("SwAV on images that are all the same gives them all prototypes alike, and alarms say so", () => {
  const image = tf.randomNormal([1, 8, 8, 3], 0, 1, "float32", 1);
  const same: Views = { global: tf.tile(image, [16, 1, 1, 1]) as tf.Tensor4D, local: null };
  const alarms = alarmsOf({ views: () => same });
  assertEquals(alarms.slice(0, 2), ["alarmUniform at 100", "alarmSameFeatures at 100"]);
});

Deno.test("prototypes that are the same leave all but one of them dead, and an alarm says so", () => {
  const merged = ({ weights }: Method) => {
    const weight = weights.get("prototypes.weight")!;
    tf.tidy(() => weight.assign(tf.tile(weight.slice([0, 0], [-1, 1]), [1, 8])));
  };
  const alarms = alarmsOf({ changes: { freezePrototypesShare: 1 }, begin: merged, steps: 130 });
  // Each batch has 8 images: after 80, which are 10 K, the other seven count as dead.
  assertTrue(alarms.includes("alarmDeadPrototypes at 110"), `${alarms}`);
});

Deno.test("a run of SwAV that learns raises no alarm", () => {
  assertEquals(alarmsOf({ steps: 150 }), []);
});

Deno.test("swavAlarms() watch the entropy of assignments, features and prototypes", () => {
  const alarms = swavAlarms(512); // ln K = 6.24
  const healthy = { codeEntropy: 4.5, featureStd: 0.3, deadPrototypes: 0.1 };
  const shown = (metrics: Readonly<Record<string, number>>) =>
    alarms.filter((alarm) => alarm.shows(metrics)).map(({ name }) => name);
  assertEquals(shown(healthy), []);
  assertEquals(shown({ ...healthy, codeEntropy: 6.2 }), ["alarmUniform"]);
  assertEquals(shown({ ...healthy, featureStd: 0.01 }), ["alarmSameFeatures"]);
  assertEquals(shown({ ...healthy, deadPrototypes: 0.6 }), ["alarmDeadPrototypes"]);
  for (const { message } of alarms) assertTrue(message.includes("lower lr"), message);
});
