import * as tf from "lib/tf.ts";
import { imageNetStats } from "lib/augment/mod.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { featureSpectra } from "lib/eval/quality/feature_spectra.ts";
import { monitorMetrics } from "lib/experiments/measure/monitor_metrics.ts";
import { formula } from "lib/testing/formula.ts";
import { knnAccuracy, readFeatures } from "lib/testing/evaluation.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { bankOf } from "lib/eval/features/feature_bank.ts";
import { finish } from "lib/testing/steps.ts";

function pictures(name: string, count: number): ImageSet {
  return {
    ...{ name, width: 4, height: 4, classNames: ["cat", "dog"] },
    pixels: Uint8Array.from(formula(name, count * 48, 128, 100)),
    labels: Int32Array.from({ length: count }, (_, i) => i % 2),
    ids: Array.from({ length: count }, (_, i) => `${name}/${i}`),
  };
}

/** A network of one matrix, which counts the images that it sees. */
function network(dim: number, scale = 1) {
  const seen: number[] = [];
  return {
    seen,
    forward(x: tf.Tensor4D) {
      seen.push(x.shape[0]);
      const weights = tf.tensor2d(formula("weights", 48 * dim, 0, scale), [48, dim]);
      const products = tf.matMul(x.reshape<tf.Tensor2D>([-1, 48]), weights);
      return { features: products.add<tf.Tensor2D>(scale && 1), stages: [] };
    },
  };
}

const crops = { stats: imageNetStats, globalSize: 4 };
const pause = () => Promise.resolve();
const test = pictures("test", 6);

Deno.test("monitorMetrics() measures the k-NN and the spectrum on one forward pass of each image", async () => {
  const model = network(20);
  const train = pictures("train", 30);
  const metrics = await monitorMetrics(model, { train, test }, crops, pause);
  assertEquals(model.seen, [30, 6]);

  const [bank, queries] = [train, test].map((set) => readFeatures(pooledFeatures(model), set));
  const rows = await knnAccuracy(bank!, queries!, { numClasses: 2 });
  const { rankMe, alphaReQ } = finish(featureSpectra(bankOf(bank!, "training")));
  assertEquals(metrics, {
    ...Object.fromEntries(
      rows.flatMap(({ k, top1, top5 }) => [[`knn${k}Top1`, top1], [`knn${k}Top5`, top5]]),
    ),
    rankMe,
    alphaReQ,
  });
});

Deno.test("monitorMetrics() leaves out what cannot be had, and a collapse does not stop a run", async () => {
  const names = async (dim: number, scale: number, train: ImageSet) =>
    Object.keys(await monitorMetrics(network(dim, scale), { train, test }, crops, pause))
      .filter((name) => !name.startsWith("knn"));
  assertEquals(await names(8, 1, pictures("train", 30)), ["rankMe", "alphaReQ"]);
  assertEquals(await names(8, 0, pictures("train", 30)), ["rankMe"]); // all features are 0
  assertEquals(await names(8, 1, pictures("train", 1)), []);
  assertEquals(await names(1025, 1, pictures("train", 3)), []);
});
