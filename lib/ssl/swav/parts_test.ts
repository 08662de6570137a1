import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { countCosts } from "lib/nn/cost.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { createModel } from "lib/models/mod.ts";
import { embed } from "lib/ssl/method/embedding_network.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { swavCrops } from "lib/ssl/views/swav_crops.ts";
import { countIdleImages, createIdleImages, deadShare } from "./dead_prototypes.ts";
import { codeEntropy, swappedLoss } from "./loss.ts";
import { createSwavNetwork, normalizePrototypes, swavHeadCost } from "./networks.ts";
import { createQueue, isFull, push } from "./queue.ts";
import { freezesPrototypes, isQueueing, queueRows, type SwavRecipe, swavValues } from "./recipe.ts";
import { sinkhorn } from "./sinkhorn.ts";
import { createSwav } from "./swav.ts";
import { testRecipe, testViews } from "lib/testing/swav_recipe.ts";
import { numberOf } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

// ---------------------------------------------------------------- assignment

/** Unit vectors' cosines, as scores are. */
function cosines(count: number, K: number, seed: number): tf.Tensor2D {
  return tf.randomUniform<tf.Rank.R2>([count, K], -1, 1, "float32", seed);
}

/** Appendix A.1 of the paper, with a row of Q for each prototype. */
function writtenOutCodes(scores: number[][], epsilon: number, iterations: number): number[][] {
  const [B, K] = [scores.length, scores[0]!.length];
  const prototypes = Array.from({ length: K }, (_, k) => k);
  let Q = prototypes.map((k) => scores.map((row) => Math.exp(row[k]! / epsilon)));
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const all = sum(Q.map(sum));
  Q = Q.map((row) => row.map((q) => q / all));
  for (let i = 0; i < iterations; i++) {
    Q = Q.map((row) => row.map((q) => q / sum(row) / K));
    const columns = scores.map((_, b) => sum(Q.map((row) => row[b]!)));
    Q = Q.map((row) => row.map((q, b) => q / columns[b]! / B));
  }
  return scores.map((_, b) => Q.map((row) => row[b]! * B));
}

for (const [count, K, epsilon, iterations] of [[1, 4, 0.05, 3], [5, 3, 0.5, 1], [9, 7, 0.05, 3]]) {
  Deno.test(`sinkhorn() equals the written-out algorithm for ${count} images and ${K} prototypes`, () => {
    const scores = cosines(count!, K!, count!);
    const options = { epsilon: epsilon!, iterations: iterations! };
    const actual = sinkhorn(scores.dataSync<"float32">(), K!, options);
    assertClose(actual, writtenOutCodes(scores.arraySync(), epsilon!, iterations!).flat(), 1e-6);
  });
}

Deno.test("sinkhorn() normalises images last, and in the limit all prototypes get equally much", () => {
  const [count, K] = [12, 5];
  const scores = cosines(count, K, 3).dataSync<"float32">();
  const sums = (iterations: number) => {
    const codes = tf.tensor2d(sinkhorn(scores, K, { epsilon: 0.2, iterations }), [count, K]);
    return { ofImages: codes.sum(1), ofPrototypes: codes.sum(0).dataSync<"float32">() };
  };
  assertClose(sums(1).ofImages, new Array(count).fill(1), 1e-6);
  const shares = sums(1).ofPrototypes;
  assertTrue(Math.max(...shares) - Math.min(...shares) > 0.1, `${shares}`);
  assertClose(sums(200).ofPrototypes, new Array(K).fill(count / K), 1e-4);
});

Deno.test("sinkhorn() overflows neither at the smallest epsilon nor for scores of 1 and −1", () => {
  const scores = new Float32Array([1, -1, -1, -1, 1, -1, -1, -1, 1]);
  const actual = sinkhorn(scores, 3, { epsilon: 0.003, iterations: 3 });
  assertClose(actual, [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-6);
});

// ---------------------------------------------------------------- loss

function writtenOutLoss(scores: number[][][], codes: number[][][], temperature: number): number {
  const [V, B] = [scores.length, scores[0]!.length];
  let loss = 0;
  for (const a of [0, 1]) {
    for (let v = 0; v < V; v++) {
      if (v === a) continue;
      for (let b = 0; b < B; b++) {
        const weights = scores[v]![b]!.map((score) => Math.exp(score / temperature));
        const all = weights.reduce((sum, weight) => sum + weight, 0);
        codes[a]![b]!.forEach((q, k) => loss -= q * Math.log(weights[k]! / all) / B / (V - 1) / 2);
      }
    }
  }
  return loss;
}

/** Scores and assignments that are no distributions, so that a wrong factor cannot hide. */
const randomScores = (V: number, B: number, K: number) =>
  tf.randomUniform<tf.Rank.R3>([V, B, K], -1, 1, "float32", V);
const randomCodes = (B: number, K: number) =>
  tf.randomUniform<tf.Rank.R3>([2, B, K], 0, 1, "float32", 7);

for (const [V, B, K, temperature] of [[2, 1, 3, 0.1], [3, 4, 5, 0.5], [6, 3, 4, 1.3]] as const) {
  Deno.test(`swappedLoss() equals the written-out sum over ${V} views`, () => {
    const [scores, codes] = [randomScores(V, B, K), randomCodes(B, K)];
    const expected = writtenOutLoss(scores.arraySync(), codes.arraySync(), temperature);
    assertClose(swappedLoss(scores, codes, temperature), expected, 1e-5);
  });
}

Deno.test("swappedLoss() has the gradient of the written-out sum", () => {
  const [scores, codes] = [randomScores(3, 2, 4), randomCodes(2, 4)];
  const actual = tf.grad((x) => swappedLoss(x as tf.Tensor3D, codes, 0.5))(scores).dataSync();
  const [plain, ofCodes] = [scores.arraySync(), codes.arraySync()];
  const h = 1e-4;
  let at = 0;
  for (const view of plain) {
    for (const row of view) {
      for (const [k, score] of row.entries()) {
        const [above, below] = [h, -h].map((by) => {
          row[k] = score + by;
          return writtenOutLoss(plain, ofCodes, 0.5);
        });
        row[k] = score;
        const slope = (above! - below!) / (2 * h);
        assertTrue(Math.abs(slope - actual[at]!) < 1e-5, `element ${at}: ${slope}, ${actual[at]}`);
        at++;
      }
    }
  }
});

Deno.test("codeEntropy() is 0 for one prototype an image, and ln K for all of them alike", () => {
  assertEquals(numberOf(codeEntropy(tf.tensor2d([[0, 1, 0, 0], [1, 0, 0, 0]]))) + 0, 0);
  assertClose(numberOf(codeEntropy(tf.fill([3, 4], 0.25))), Math.log(4), 1e-6);
  assertClose(
    numberOf(codeEntropy(tf.tensor2d([[0.5, 0.5, 0, 0], [1, 0, 0, 0]]))),
    Math.log(2) / 2,
    1e-6,
  );
});

// ---------------------------------------------------------------- queue

Deno.test("the queue takes each batch to its front, and is full when the first has reached its end", () => {
  const queue = createQueue(4, 1)!;
  const batch = (first: number) => tf.tensor2d([first, first + 1, -first, -first - 1], [4, 1]); // images, then their second crops
  const seen = [1, 3, 5].map((first) => {
    push(queue, batch(first));
    return [...queue.dataSync(), isFull(queue)];
  });
  assertEquals(seen, [
    [1, 2, 0, 0, -1, -2, 0, 0, false],
    [3, 4, 1, 2, -3, -4, -1, -2, true],
    [5, 6, 3, 4, -5, -6, -3, -4, true],
  ]);
  const one = batch(1);
  assertNoLeak(() => push(queue, one));
  assertEquals(createQueue(0, 1), null);
});

Deno.test("a queue of one batch holds the last one", () => {
  const queue = createQueue(2, 1)!;
  push(queue, tf.tensor2d([1, 2, 3, 4], [4, 1]));
  assertEquals(isFull(queue), true);
  push(queue, tf.tensor2d([5, 6, 7, 8], [4, 1]));
  assertEquals([...queue.dataSync()], [5, 6, 7, 8]);
});

// ---------------------------------------------------------------- dead prototypes

Deno.test("deadShare() counts the prototypes that were no image's first choice for 10 K images", () => {
  const idle = createIdleImages(4);
  const codes = tf.tensor2d([ // of two images, in both crops: prototypes 0, 1, 0 and, of equals, 0
    [[0.9, 0.1, 0, 0], [0.2, 0.8, 0, 0]],
    [[0.5, 0.4, 0.1, 0], [0.25, 0.25, 0.25, 0.25]],
  ].flat());
  for (let batch = 0; batch < 20; batch++) countIdleImages(idle, codes);
  assertEquals([...idle.dataSync()], [0, 0, 40, 40]);
  assertEquals(numberOf(deadShare(idle)), 0);
  countIdleImages(idle, codes);
  assertEquals(numberOf(deadShare(idle)), 0.5);
  countIdleImages(idle, tf.tensor2d([[0, 0, 1, 0], [0, 0, 0, 1]])); // of one image
  assertEquals([...idle.dataSync()], [1, 1, 0, 0]);
  assertNoLeak(() => countIdleImages(idle, codes));
});

// ---------------------------------------------------------------- network and schedules

Deno.test("SwAV's backbone starts from the run's own weights and lies in the state", () => {
  const method = createSwav(testRecipe, firstWeights(createRng(0)));
  const expected = namedVariables(createModel(testRecipe.model, backboneStream(0)).params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`network.backbone.${name}`) === weight, `${name} is in the state`);
  }
});

Deno.test("SwAV's head has biases everywhere but in the prototypes, which have length 1", () => {
  const network = createSwavNetwork(testRecipe.model, testRecipe.head, createRng(0));
  const names = [...network.weights.keys()].filter((name) => !name.startsWith("backbone"));
  assertEquals(names, [
    ...["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]
      .map((name) => `projection_head.${name}`),
    "prototypes.weight",
  ]);
  const { bias } = network.params.projection_head[3] as { bias: tf.Variable };
  const size = bias.abs().max().dataSync()[0]!; // PyTorch's default: uniform in ±1/√12
  assertTrue(size > 0 && size <= 1 / Math.sqrt(12), `biases of ${size}`);
  const { weight } = network.params.prototypes;
  assertEquals(weight.shape, [6, 8]);
  const lengths = () => weight.square().sum(0).sqrt();
  assertTrue(lengths().sub(1).abs().min().dataSync()[0]! > 0.01, "not yet of length 1");
  const before = weight.clone();
  const long = before.square().sum(0).sqrt();
  normalizePrototypes(network);
  assertClose(lengths(), new Array(8).fill(1), 1e-6);
  assertClose(weight, before.div(long), 1e-6);
  assertNoLeak(() => normalizePrototypes(network));
});

Deno.test("crops of one size share batch statistics in the backbone, and all crops in the head", () => {
  const model = { ...testRecipe.model, dropPathRate: 0 } as SwavRecipe["model"];
  const { global, local } = testViews(); // [2·4, 16, 16, 3], [2·4, 8, 8, 3]
  const run = (name: string, change: { global?: tf.Tensor4D; local?: tf.Tensor4D }) => {
    const network = createSwavNetwork(model, testRecipe.head, createRng(0));
    const views = { global, local, ...change };
    const { embeddings } = embed(network, views, { training: true });
    return { embeddings, mean: namedVariables(network.params).get(name)! };
  };
  const ofHead = "projection_head.1.running_mean";
  const { embeddings } = run(ofHead, {});
  assertClose(embeddings.square().sum(-1), new Array(16).fill(1), 1e-5);
  // The statistics of the head see all crops; those of a stage see the two sizes one after another.
  const swapped = run(ofHead, { global: tf.reverse(global, 0), local: tf.reverse(local!, 0) });
  assertClose(swapped.mean, run(ofHead, {}).mean, 1e-4);
  const [first, second] = tf.split(global, 2);
  const halves = tf.concat([second!, first!]) as tf.Tensor4D;
  const ofStage = "backbone.stages.0.0.bn.running_mean";
  assertClose(run(ofStage, { global: halves }).mean, run(ofStage, {}).mean, 1e-4);
  const moved = run(ofStage, { local: local!.add(3) }).mean.sub(run(ofStage, {}).mean);
  assertTrue(moved.abs().max().dataSync()[0]! > 1e-3, "local crops are another pass");
});

Deno.test("swavValues() rises from startLr to the peak in the last step of the warm-up", () => {
  const recipe = { ...testRecipe, batchSize: 512, lr: 0.2, startLr: 0.1, warmupShare: 0.1 };
  const lr = (step: number) => swavValues(recipe, { step, totalSteps: 100 }).lr;
  assertClose([0, 1, 9, 10].map(lr), [0.1, 0.1 + 0.3 / 9, 0.4, 0.4]);
  assertClose(lr(55), 0.001 + 0.399 / 2); // half-way after the warm-up
  assertEquals(swavValues(recipe, { step: 0, totalSteps: 100 }).weightDecay, 0.1);
});

Deno.test("the queue begins with an epoch, and the prototypes thaw with a step", () => {
  const recipe = { ...testRecipe, epochs: 10, queueStartShare: 0.7, freezePrototypesShare: 0.07 };
  const run = { stepsPerEpoch: 10, totalSteps: 100 };
  assertEquals([69, 70].map((step) => isQueueing(recipe, { step, ...run })), [false, true]);
  const between = { ...recipe, queueStartShare: 0.65 };
  assertEquals([69, 70].map((step) => isQueueing(between, { step, ...run })), [false, true]);
  assertEquals(isQueueing({ ...recipe, queueLength: 0 }, { step: 99, ...run }), false);
  assertEquals([6, 7].map((step) => freezesPrototypes(recipe, { step, ...run })), [true, false]);
  assertEquals([0, 4, 11].map((queueLength) => queueRows({ ...recipe, queueLength })), [0, 4, 8]);
});

Deno.test("swavHeadCost() counts what the head reports as it runs, and no second network", () => {
  const method = createSwav(testRecipe, createRng(0));
  const global = tf.zeros<tf.Rank.R4>([4, 16, 16, 3]);
  const costOf = (run: () => void) =>
    countCosts(run).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const backbone = costOf(() => void method.evaluated.forward(global, { training: false }));
  const now = { step: 0, stepsPerEpoch: 1, totalSteps: 1, rng: createRng(0) };
  const both = costOf(() => void method.pass({ global, local: null }, now).loss());
  assertEquals(swavHeadCost(16, testRecipe.head), { onTape: (both - backbone) / 4 });
});

Deno.test("SwAV's crops have the public code's standard deviation of red", () => {
  assertEquals(swavCrops.stats, { mean: [0.485, 0.456, 0.406], std: [0.228, 0.224, 0.225] });
});

// ---------------------------------------------------------------- wrong options

Deno.test("createSwav() refuses what it cannot follow, and names the value", () => {
  for (
    const [changes, text] of [
      [{ head: { ...testRecipe.head, hiddenDim: 0 } }, "recipe.head.hiddenDim 0: need a whole"],
      [{ head: { ...testRecipe.head, outDim: 2.5 } }, "recipe.head.outDim 2.5"],
      [{ head: { ...testRecipe.head, prototypes: 1 } }, "recipe.head.prototypes 1: need a whole"],
      [{ sinkhornIterations: 0 }, "recipe.sinkhornIterations 0: need a whole number of at least 1"],
      [{ temperature: NaN }, "recipe.temperature"],
      [{ epsilon: 0.001 }, "recipe.epsilon 0.001: need a number of at least 0.003"],
      [{ queueLength: 3 }, "recipe.queueLength 3: need 0, or at least batchSize, 4"],
      [{ queueLength: -4 }, "recipe.queueLength -4: need a whole number of at least 0"],
      [{ batchSize: 1, queueLength: 0 }, "recipe.batchSize 1: need 2 images, to share"],
      [{ accumulate: 2 }, "recipe.accumulate 2: need 1: the images of a batch share"],
    ] as const
  ) {
    const create = () => createSwav({ ...testRecipe, ...changes }, createRng(0));
    assertThrows(create, RangeError, `Cannot train by SwAV with ${text}`);
  }
});
