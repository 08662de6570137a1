import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import {
  createLinearProbe,
  disposeLinearProbe,
  linearProbeHits,
  linearProbeStep,
} from "lib/eval/probe/linear_heads.ts";
import { cachedSource } from "lib/eval/probe/probe_sources.ts";
import { type ProbeCourse, trainLinearProbe } from "lib/eval/probe/train_linear_probe.ts";
import { cosineSchedule } from "lib/train/schedules.ts";
import golden from "lib/eval/probe/golden/linear_probe.json" with { type: "json" };
import {
  assertClose,
  assertEquals,
  assertNoLeak,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";

const { classes, dim, batchSize } = golden;
const set = {
  features: Float32Array.from(golden.features),
  labels: Int32Array.from(golden.labels),
};

function drain<T>(steps: Generator<unknown, T>): T {
  for (let step = steps.next();; step = steps.next()) if (step.done) return step.value;
}

function train(options: { lrs: number[]; epochs?: number }, seed = 0): ProbeCourse[] {
  const source = cachedSource(set);
  const all = { numClasses: classes, epochs: 5, batchSize: 64, ...options };
  return drain(trainLinearProbe(source, source, all, createRng(seed)));
}

Deno.test("a linear probe equals PyTorch's: losses and weights after four epochs, alone or beside others", () => {
  const rates = [0.9, golden.lr * batchSize / 256, 0.001]; // ours is in the middle
  const probe = createLinearProbe(dim, { numClasses: classes, rates }, createRng(0));
  tf.tidy(() =>
    probe.weight.assign(tf.tile(tf.tensor2d(golden.firstWeight, [dim, classes]), [1, 3]))
  );
  const source = cachedSource(set);
  const losses: number[] = [];
  golden.orders.forEach((order, epoch) => {
    const share = cosineSchedule(epoch, { base: 1, final: 0, totalSteps: golden.orders.length });
    assertClose(share * rates[1]!, golden.rates[epoch]!, 1e-12);
    for (let from = 0; from < order.length; from += batchSize) {
      const indices = Uint32Array.from(order.slice(from, from + batchSize));
      const labels = Int32Array.from(indices, (i) => set.labels[i]!);
      losses.push(linearProbeStep(probe, source.batch(indices, epoch), labels, share)[1]!);
    }
  });
  assertClose(losses, golden.losses);
  assertClose(probe.weight.slice([0, classes], [dim, classes]), golden.weight);
  assertClose(probe.bias.slice([classes], [classes]), golden.bias);
  disposeLinearProbe(probe);
});

Deno.test("createLinearProbe() draws N(0, 0.01), the same for every rate, and biases of 0", () => {
  const { weight, bias } = createLinearProbe(
    500,
    { numClasses: 8, rates: [1, 2] },
    createRng(0),
  );
  const one = weight.slice([0, 0], [-1, 8]);
  assertEquals([...one.dataSync()], [...weight.slice([0, 8]).dataSync()]);
  const { mean, variance } = tf.moments(one);
  assertTrue(Math.abs(mean.dataSync()[0]!) < 5e-4, "mean");
  assertTrue(Math.abs(Math.sqrt(variance.dataSync()[0]!) - 0.01) < 5e-4, "standard deviation");
  assertEquals(new Set(bias.dataSync()), new Set([0]));
});

Deno.test("trainLinearProbe() scales the rate with the batch, lowers it by the epoch, and draws a new order in each", () => {
  const rng = createRng(7);
  const [batch, epochs] = [100, 4];
  const source = cachedSource(set);
  const options = { numClasses: classes, lrs: [0.5], epochs, batchSize: batch };
  const actual = [...trainLinearProbe(source, source, options, rng)].map(({ losses }) =>
    losses[0]!
  );
  const one = { numClasses: classes, rates: [0.5 * batch / 256] };
  const probe = createLinearProbe(dim, one, rng.fork("weight"));
  const expected: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = rng.fork("order").fork(epoch).permutation(set.labels.length);
    for (let from = 0; from < order.length; from += batch) {
      const indices = order.subarray(from, from + batch);
      const labels = Int32Array.from(indices, (i) => set.labels[i]!);
      const share = (1 + Math.cos(Math.PI * epoch / epochs)) / 2;
      expected.push(linearProbeStep(probe, source.batch(indices, epoch), labels, share)[0]!);
    }
  }
  assertClose(actual, expected, 1e-6);
  disposeLinearProbe(probe);
});

Deno.test("trainLinearProbe() gives each rate what it has alone", () => {
  const together = train({ lrs: [0.02, 0.5] });
  const alone = [0.02, 0.5].map((lr) => train({ lrs: [lr] })[0]!);
  together.forEach((course, i) => {
    assertEquals(course.lr, alone[i]!.lr);
    assertClose(
      course.epochs.flatMap(({ trainLoss, top1 }) => [trainLoss, top1]),
      alone[i]!.epochs.flatMap(({ trainLoss, top1 }) => [trainLoss, top1]),
    );
  });
  assertTrue(together[1]!.last.trainLoss < together[0]!.last.trainLoss, "the larger rate is ahead");
});

Deno.test("trainLinearProbe() tells the last epoch from the best, the first of equal ones", () => {
  for (const course of train({ lrs: [0.01, 0.3, 30], epochs: 8 })) {
    const scores = course.epochs.map(({ top1 }) => top1);
    assertEquals(course.last, course.epochs[7]!);
    assertEquals(course.best, course.epochs[scores.indexOf(Math.max(...scores))]!);
    assertEquals(course.epochs.map(({ epoch }) => epoch), [1, 2, 3, 4, 5, 6, 7, 8]);
  }
});

Deno.test("a rate that diverges is wrong everywhere, and leaves its neighbours alone", () => {
  const [good, bad] = train({ lrs: [0.3, 1e38] });
  assertTrue(good!.last.top1 > 0.6, `top-1 of ${good!.last.top1}`);
  assertEquals(bad!.last.top1 < 0.5, true);
  assertClose(
    good!.epochs.map(({ trainLoss }) => trainLoss),
    train({ lrs: [0.3] })[0]!.epochs.map((e) => e.trainLoss),
  );
});

Deno.test("linearProbeHits() ranks equal logits by class, and counts the first five", () => {
  const probe = createLinearProbe(1, { numClasses: 7, rates: [1] }, createRng(0));
  probe.weight.assign(tf.tensor2d([[5, 4, 4, 3, 2, 1, NaN]]));
  const hits = (label: number) => {
    const [{ top1, top5 }] = linearProbeHits(probe, tf.ones([1, 1]), Int32Array.of(label)) as [
      { top1: number; top5: number },
    ];
    return [top1, top5];
  };
  assertEquals([0, 1, 2, 4, 5, 6].map(hits), [[1, 1], [0, 1], [0, 1], [0, 1], [0, 0], [0, 0]]);
  probe.weight.assign(tf.tensor2d([[5, 5, 0, 0, 0, 0, 0]]));
  assertEquals([0, 1, 5].map(hits), [[1, 1], [0, 1], [0, 0]]);
});

Deno.test("trainLinearProbe() reports every batch, the last smaller one too, and keeps no tensor when left", () => {
  const source = cachedSource(set);
  const run = () =>
    trainLinearProbe(
      source,
      source,
      { numClasses: classes, epochs: 2, batchSize: 128 },
      createRng(0),
    );
  const steps = [...run()];
  assertEquals(steps.map(({ step }) => step), [1, 2, 3, 4]); // 250 images in batches of 128
  assertEquals(steps.map(({ totalSteps }) => totalSteps), [4, 4, 4, 4]);
  assertEquals(steps.map(({ tested }) => tested?.epoch), [undefined, 1, undefined, 2]);
  assertNoLeak(() => {
    for (const _ of run()) break;
  });
  assertNoLeak(() => drain(run()));
});

Deno.test("trainLinearProbe() throws on labels, sizes and options that make no sense", () => {
  const source = cachedSource(set);
  const throws = (options: object, text: string) =>
    assertThrows(
      () => drain(trainLinearProbe(source, source, { numClasses: 3, ...options }, createRng(0))),
      RangeError,
      text,
    );
  throws({ numClasses: 2 }, "label 2");
  throws({ epochs: 0 }, "epochs");
  throws({ batchSize: 1.5 }, "batchSize");
  throws({ lrs: [0.1, 0] }, "[0.1, 0]");
  throws({ lrs: [] }, "learning rates");
  const other = cachedSource({ features: new Float32Array(8), labels: Int32Array.of(0) });
  assertThrows(
    () => drain(trainLinearProbe(source, other, { numClasses: 3 }, createRng(0))),
    RangeError,
    "length 6",
  );
});
