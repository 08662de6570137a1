import * as tf from "lib/tf.ts";
import { constantRng, createRng } from "lib/rng.ts";
import { countCosts } from "lib/nn/cost.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { createModel } from "lib/models/mod.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { clusterMemory, clustersOf, createClusters, emptyShare } from "./clusters.ts";
import { createDeepCluster } from "./deepcluster.ts";
import { sphericalKMeans } from "./k_means.ts";
import { clusterLoss, unassigned } from "./loss.ts";
import { bankOf, createMemory, imagesIn, remember } from "./memory.ts";
import { createDeepClusterNetwork, deepClusterHeadCost, prototypeSets } from "./networks.ts";
import { deepClusterValues } from "./recipe.ts";
import { numberOf } from "lib/train/reading.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { deepClusterTestRecipe as recipe } from "lib/testing/deepcluster_recipe.ts";

// ---------------------------------------------------------------- k-means

type Vectors = readonly (readonly number[])[];

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const scaledToUnit = (x: readonly number[]) => x.map((value) => value / Math.hypot(...x));

/** The algorithm written out over whole lists. */
function writtenOutKMeans(vectors: Vectors, rows: readonly number[]) {
  let centroids = rows.map((row) => vectors[row]!);
  const nearestOf = (vector: readonly number[]) => {
    const products = centroids.map((centroid) => dot(vector, centroid));
    return products.indexOf(Math.max(...products));
  };
  for (let i = 0; i < 10; i++) {
    const nearest = vectors.map(nearestOf);
    centroids = centroids.map((centroid, k) => {
      const own = vectors.filter((_, n) => nearest[n] === k);
      if (own.length === 0) return centroid;
      return scaledToUnit(centroid.map((_, e) => own.reduce((sum, x) => sum + x[e]!, 0)));
    });
  }
  return { centroids, nearest: vectors.map(nearestOf) };
}

function randomUnits(count: number, E: number, seed: number): Vectors {
  const draw = tf.randomNormal<tf.Rank.R2>([count, E], 0, 1, "float32", seed);
  return draw.arraySync().map(scaledToUnit);
}

for (const [count, E, K, blockSize] of [[6, 2, 2, 6], [40, 5, 7, 16], [60, 3, 9, 4]] as const) {
  Deno.test(`sphericalKMeans() equals the written-out algorithm for ${count} vectors in blocks of ${blockSize}`, async () => {
    const vectors = randomUnits(count, E, count);
    const rows = createRng(count).permutation(count).subarray(0, K);
    const blocks = Array.from(
      { length: Math.ceil(count / blockSize) }, // the last one may be smaller
      (_, i) => tf.tensor2d(vectors.slice(i * blockSize, (i + 1) * blockSize) as number[][]),
    );
    const before = tf.memory().numTensors;
    const { centroids, nearest } = await sphericalKMeans(blocks, rows);
    assertEquals(tf.memory().numTensors, before);
    const expected = writtenOutKMeans(vectors, [...rows]);
    assertEquals([...nearest], expected.nearest);
    assertClose(centroids, expected.centroids.flat(), 1e-5);
  });
}

Deno.test("sphericalKMeans() leaves a centroid that is nearest to no vector where it is", async () => {
  // The first two rows are the same vector: of equal centroids the first one gets it.
  const vectors = [[1, 0], [1, 0], [0, 1], [0.6, 0.8]];
  const { centroids, nearest } = await sphericalKMeans(
    [tf.tensor2d(vectors)],
    Uint32Array.of(0, 1, 2),
  );
  assertEquals([...nearest], [0, 0, 2, 2]);
  assertClose(centroids, [1, 0, 1, 0, ...scaledToUnit([0.6, 1.8])], 1e-6);
});

// ---------------------------------------------------------------- memory and clusters

Deno.test("a batch is remembered in its place, for both crops", async () => {
  const memory = createMemory(2, 2, 3);
  const first = tf.tensor2d([[1, 2, 3], [4, 5, 6]]);
  const write = () =>
    remember(memory, 1, { first, second: first.mul(-1), images: tf.tensor1d([7, 3]) });
  write();
  const [bank, ...others] = bankOf(memory, 0);
  assertEquals(others, []);
  assertEquals([...bank!.dataSync()], [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
  const second = bankOf(memory, 1)[0]!.slice([2, 0], [2, 3]);
  assertEquals([...second.dataSync()], [-1, -2, -3, -4, -5, -6]);
  assertEquals(await imagesIn(memory), [0, 0, 7, 3]);
  const kept = tf.tensor1d([7, 3]);
  const other = first.mul(2);
  assertNoLeak(() => remember(memory, 0, { first, second: other, images: kept }));
  assertNoLeak(() => tf.dispose(bankOf(memory, 0)));
});

Deno.test("a large bank comes in blocks of whole batches, in their order", () => {
  const memory = createMemory(3, 3000, 1);
  memory.embeddings.forEach((batch, i) => {
    batch.assign(tf.range(0, 6000).add(10_000 * i).reshape([2, 3000, 1]));
  });
  const blocks = bankOf(memory, 1);
  assertEquals(blocks.map(({ shape }) => shape), [[6000, 1], [3000, 1]]);
  const values = blocks.flatMap((block) => [...block.dataSync()]);
  const expected = Array.from(
    values,
    (_, row) => 10_000 * Math.floor(row / 3000) + 3000 + row % 3000,
  );
  assertEquals(values, expected);
});

/** A memory of six images, 9, 8, … 4, of ten, whose banks are different. */
function filledMemory(E = 4) {
  const memory = createMemory(3, 2, E);
  const [first, second] = [1, 2].map((seed) => randomUnits(6, E, seed));
  for (let batch = 0; batch < 3; batch++) {
    const own = (all: Vectors) => tf.tensor2d(all.slice(2 * batch, 2 * batch + 2) as number[][]);
    const images = tf.tensor1d([9 - 2 * batch, 8 - 2 * batch]);
    remember(memory, batch, { first: own(first!), second: own(second!), images });
  }
  return { memory, banks: [first!, second!] as const };
}

function setsOf(prototypes: number[], E = 4) {
  const head = { hiddenDim: 4, outDim: E, prototypes };
  return prototypeSets(createDeepClusterNetwork(recipe.model, head, createRng(0)));
}

Deno.test("clusterMemory() clusters the two banks in turn, and its centroids become the prototypes", async () => {
  const { memory, banks } = filledMemory();
  const sets = setsOf([2, 3, 3]);
  const clusters = createClusters(3, 10);
  const rng = createRng(5);
  await clusterMemory(memory, sets, clusters, rng);
  for (const [i, { weight }] of sets.entries()) {
    const rows = [...rng.fork(i).permutation(6)].slice(0, weight.shape[1]);
    const { centroids, nearest } = writtenOutKMeans(banks[i % 2]!, rows);
    assertClose(weight.transpose(), centroids.flat(), 1e-5);
    const ofImages = new Array(10).fill(unassigned);
    nearest.forEach((cluster, row) => ofImages[9 - row] = cluster);
    assertEquals([...clusters[i]!.dataSync()], ofImages);
    assertEquals([...clustersOf(clusters[i]!, Uint32Array.of(9, 0, 4)).dataSync()], [
      nearest[0],
      unassigned,
      nearest[5],
    ]);
  }
  const before = tf.memory().numTensors;
  await clusterMemory(memory, sets, clusters, rng);
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("with fewer images than prototypes, each image is a cluster, and the other prototypes stay", async () => {
  const { memory, banks } = filledMemory();
  const sets = setsOf([8]);
  const before = sets[0]!.weight.transpose().arraySync() as number[][];
  const clusters = createClusters(1, 10);
  await clusterMemory(memory, sets, clusters, constantRng()); // takes the rows in their order
  const after = sets[0]!.weight.transpose().arraySync() as number[][];
  assertClose(after.slice(0, 6).flat(), banks[0].flat(), 1e-6);
  assertEquals(after.slice(6), before.slice(6));
  assertClose(numberOf(emptyShare(clusters, sets)), 2 / 8);
});

Deno.test("emptyShare() counts the prototypes of all clusterings that have no image", () => {
  const [clusters, sets] = [createClusters(2, 3), setsOf([2, 3])];
  assertEquals(numberOf(emptyShare(clusters, sets)), 1);
  clusters[0]!.assign(tf.tensor1d([1, unassigned, 1]));
  clusters[1]!.assign(tf.tensor1d([0, 2, 0]));
  assertClose(numberOf(emptyShare(clusters, sets)), 1 - 3 / 5);
});

// ---------------------------------------------------------------- loss

function writtenOutLoss(scores: Vectors, clusters: readonly number[], temperature: number): number {
  const terms = scores.flatMap((row, n) => {
    const cluster = clusters[n % clusters.length]!;
    if (cluster === unassigned) return [];
    const weights = row.map((score) => Math.exp(score / temperature));
    return -Math.log(weights[cluster]! / weights.reduce((sum, weight) => sum + weight, 0));
  });
  return terms.reduce((sum, term) => sum + term, 0) / terms.length;
}

for (
  const [V, clusters, temperature] of [
    [1, [0], 0.1],
    [3, [2, 0, 3, 3], 0.5],
    [4, [1, unassigned, 0], 0.2],
  ] as const
) {
  Deno.test(`clusterLoss() equals the written-out cross-entropy of ${V} views for clusters ${clusters}`, () => {
    const shape: [number, number] = [V * clusters.length, 4];
    const scores = tf.randomUniform<tf.Rank.R2>(shape, -1, 1, "float32", V);
    const expected = writtenOutLoss(scores.arraySync(), clusters, temperature);
    const own = tf.tensor1d([...clusters], "int32");
    assertClose(clusterLoss(scores, own, temperature), expected, 1e-5);
    const gradient = tf.grad((x) => clusterLoss(x as tf.Tensor2D, own, temperature))(scores);
    const plain = scores.arraySync();
    const slopes = plain.flatMap((row) =>
      row.map((score, k) => {
        const [above, below] = [1e-4, -1e-4].map((by) => {
          row[k] = score + by;
          return writtenOutLoss(plain, clusters, temperature);
        });
        row[k] = score;
        return (above! - below!) / 2e-4;
      })
    );
    slopes.forEach((slope, i) =>
      assertTrue(Math.abs(slope - gradient.dataSync()[i]!) < 1e-5, `element ${i}`)
    );
  });
}

Deno.test("clusterLoss() is 0 where no image has a cluster", () => {
  const scores = tf.randomUniform<tf.Rank.R2>([4, 3], -1, 1, "float32", 1);
  const none = tf.tensor1d([unassigned, unassigned], "int32");
  assertEquals(clusterLoss(scores, none, 0.1).dataSync()[0]! + 0, 0);
});

// ---------------------------------------------------------------- network, schedules, refusals

Deno.test("DeepCluster-v2's backbone starts from the run's own weights, and no optimiser has its prototypes", () => {
  const method = createDeepCluster(recipe, firstWeights(createRng(0)), 13);
  const expected = namedVariables(createModel(recipe.model, backboneStream(0)).params);
  for (const [name, weight] of namedVariables(method.evaluated.params)) {
    assertEquals(weight.dataSync(), expected.get(name)!.dataSync(), name);
    assertTrue(method.state.get(`network.backbone.${name}`) === weight, `${name} is in the state`);
  }
  const shapes = [...method.state].filter(([name]) => !/^network\.(backbone|proj)/.test(name))
    .map(([name, { shape }]) => `${name} ${shape}`);
  assertEquals(shapes, [
    ...[5, 4, 3].map((K, i) => `network.prototypes.prototypes${i}.weight 6,${K}`),
    ...[0, 1, 2].map((batch) => `memory.embeddings.${batch} 2,4,6`),
    ...[0, 1, 2].map((batch) => `memory.images.${batch} 4`),
    ...[0, 1, 2].map((clustering) => `clusters.${clustering} 13`),
  ]);
  const trained = [...method.weights.keys()];
  assertTrue(!trained.some((name) => name.includes("prototypes")), "prototypes are not trained");
  assertTrue(trained.includes("projection_head.3.bias"), "the head is");
});

Deno.test("deepClusterHeadCost() counts what the head reports as it runs, for all clusterings", () => {
  const method = createDeepCluster(recipe, createRng(0), 13);
  const global = tf.zeros<tf.Rank.R4>([4, 16, 16, 3]);
  const costOf = (run: () => void) =>
    countCosts(run).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const backbone = costOf(() => void method.evaluated.forward(global, { training: false }));
  const now = { step: 0, stepsPerEpoch: 1, totalSteps: 1, rng: createRng(0) };
  const views = { global, local: null, indices: Uint32Array.of(1, 2) };
  const both = costOf(() => void method.pass(views, now).loss());
  assertEquals(deepClusterHeadCost(16, recipe.head), { onTape: (both - backbone) / 4 });
});

Deno.test("deepClusterValues() rises from startLr to the peak in the last step of the warm-up", () => {
  const changed = { ...recipe, batchSize: 512, lr: 0.2, startLr: 0.1, warmupShare: 0.1 };
  const lr = (step: number) => deepClusterValues(changed, { step, totalSteps: 100 }).lr;
  assertClose([0, 1, 9, 10].map(lr), [0.1, 0.1 + 0.3 / 9, 0.4, 0.4]);
  assertClose(lr(55), 0.001 + 0.399 / 2); // half-way after the warm-up
});

Deno.test("createDeepCluster() refuses what it cannot follow, and names the value", () => {
  const { head } = recipe;
  for (
    const [changes, count, text] of [
      [{ head: { ...head, hiddenDim: 0 } }, 13, "recipe.head.hiddenDim 0: need a whole number"],
      [{ head: { ...head, outDim: 2.5 } }, 13, "recipe.head.outDim 2.5"],
      [{ head: { ...head, prototypes: [] } }, 13, "recipe.head.prototypes []: need a number for"],
      [{ head: { ...head, prototypes: [4, 1] } }, 13, "recipe.head.prototypes.1 1: need a whole"],
      [{ temperature: 0 }, 13, "recipe.temperature 0: need a number above 0"],
      [{}, 2 ** 24 + 1, "a number of images of 16777217: need at most 16777216"],
    ] as const
  ) {
    const create = () => createDeepCluster({ ...recipe, ...changes }, createRng(0), count);
    assertThrows(create, RangeError, `Cannot train by DeepCluster-v2 with ${text}`);
  }
});
