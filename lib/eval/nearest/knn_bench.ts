/**
 * Speed of a slice of a k-NN over ImageNet, 256 queries with 65,536 rows of 768: the search, its
 * products alone, and the extra time of tf.topk.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { nearestNeighbours, searchBlocks } from "lib/eval/nearest/neighbours.ts";

const [bankSize, queryRows, dim, k] = [65_536, searchBlocks.queryRows, 768, 200];

function features(count: number, seed: number) {
  const rng = createRng(seed);
  const values = new Float32Array(count * dim);
  for (let i = 0; i < values.length; i++) values[i] = rng.uniform(-1, 1);
  return { features: values, labels: new Int32Array(count) };
}

const [bank, queries] = [features(bankSize, 0), features(queryRows, 1)];
const { bankRows } = searchBlocks;
const rows = tf.tensor2d(bank.features.subarray(0, bankRows * dim), [bankRows, dim]);
const probes = tf.tensor2d(queries.features, [queryRows, dim]);
const cosines = tf.matMul(probes, rows, false, true);
const blocks = bankSize / bankRows;

Deno.bench("the search", { group: "k-NN", baseline: true }, async () => {
  await nearestNeighbours(bank, queries, k);
});

Deno.bench("its products alone", { group: "k-NN" }, () => {
  for (let i = 0; i < blocks; i++) tf.matMul(probes, rows, false, true).dispose();
});

Deno.bench("tf.topk of its products, which it does without", { group: "k-NN" }, () => {
  for (let i = 0; i < blocks; i++) {
    const { values, indices } = tf.topk(cosines, k);
    tf.dispose([values, indices]);
  }
});
