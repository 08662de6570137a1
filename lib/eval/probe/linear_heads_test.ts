import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import {
  createLinearProbe,
  disposeLinearProbe,
  linearProbeHits,
  linearProbeStep,
} from "lib/eval/probe/linear_heads.ts";
import { cachedSource } from "lib/eval/probe/probe_sources.ts";
import {
  type ProbeCourse,
  type ProbeStep,
  trainLinearProbe,
} from "lib/eval/probe/train_linear_probe.ts";
import { withDeferredReads } from "lib/train/reading.ts";
import { cosineSchedule } from "lib/train/schedules.ts";
import golden from "lib/eval/probe/golden/linear_probe.json" with { type: "json" };
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeakAsync, countReads } from "lib/testing/leaks.ts";
import { drain } from "lib/testing/steps.ts";

const { classes, dim, batchSize } = golden;
const set = {
  features: Float32Array.from(golden.features),
  labels: Int32Array.from(golden.labels),
};

async function train(
  options: { lrs: number[]; epochs?: number },
  seed = 0,
): Promise<ProbeCourse[]> {
  const source = cachedSource(set);
  const all = { numClasses: classes, epochs: 5, batchSize: 64, ...options };
  return await drain(trainLinearProbe(source, source, all, createRng(seed)));
}

Deno.test("a linear probe equals PyTorch's: losses and weights after four epochs, alone or beside others", async () => {
  const rates = [0.9, golden.lr * batchSize / 256, 0.001]; // ours is in the middle
  const probe = createLinearProbe(dim, { numClasses: classes, rates }, createRng(0));
  tf.tidy(() =>
    probe.weight.assign(tf.tile(tf.tensor2d(golden.firstWeight, [dim, classes]), [1, 3]))
  );
  const source = cachedSource(set);
  const losses: number[] = [];
  for (const [epoch, order] of golden.orders.entries()) {
    const share = cosineSchedule(epoch, { base: 1, final: 0, totalSteps: golden.orders.length });
    assertClose(share * rates[1]!, golden.rates[epoch]!, 1e-12);
    for (let from = 0; from < order.length; from += batchSize) {
      const indices = Uint32Array.from(order.slice(from, from + batchSize));
      const { features, labels } = await source.batch(indices, epoch);
      losses.push(linearProbeStep(probe, features, labels, share).dataSync()[1]!);
    }
  }
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

Deno.test("trainLinearProbe() scales the rate with the batch, lowers it by the epoch, and draws a new order in each", async () => {
  const rng = createRng(7);
  const [batch, epochs] = [100, 4];
  const source = cachedSource(set);
  const options = { numClasses: classes, lrs: [0.5], epochs, batchSize: batch };
  const actual: number[] = [];
  await drain(
    trainLinearProbe(source, source, options, rng),
    ({ losses }) => actual.push(losses[0]!),
  );
  const one = { numClasses: classes, rates: [0.5 * batch / 256] };
  const probe = createLinearProbe(dim, one, rng.fork("weight"));
  const expected: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = rng.fork("order").fork(epoch).permutation(set.labels.length);
    for (let from = 0; from < order.length; from += batch) {
      const indices = order.subarray(from, from + batch);
      const { features, labels } = await source.batch(indices, epoch);
      const share = (1 + Math.cos(Math.PI * epoch / epochs)) / 2;
      expected.push(linearProbeStep(probe, features, labels, share).dataSync()[0]!);
    }
  }
  assertClose(actual, expected, 1e-6);
  disposeLinearProbe(probe);
});

Deno.test("trainLinearProbe() gives each rate what it has alone", async () => {
  const together = await train({ lrs: [0.02, 0.5] });
  const alone = [(await train({ lrs: [0.02] }))[0]!, (await train({ lrs: [0.5] }))[0]!];
  together.forEach((course, i) => {
    assertEquals(course.lr, alone[i]!.lr);
    assertClose(
      course.epochs.flatMap(({ trainLoss, top1 }) => [trainLoss, top1]),
      alone[i]!.epochs.flatMap(({ trainLoss, top1 }) => [trainLoss, top1]),
    );
  });
  assertTrue(together[1]!.last.trainLoss < together[0]!.last.trainLoss, "the larger rate is ahead");
});

Deno.test("trainLinearProbe() tells the last epoch from the best, the first of equal ones", async () => {
  for (const course of await train({ lrs: [0.01, 0.3, 30], epochs: 8 })) {
    const scores = course.epochs.map(({ top1 }) => top1);
    assertEquals(course.last, course.epochs[7]!);
    assertEquals(course.best, course.epochs[scores.indexOf(Math.max(...scores))]!);
    assertEquals(course.epochs.map(({ epoch }) => epoch), [1, 2, 3, 4, 5, 6, 7, 8]);
  }
});

Deno.test("a rate that diverges is wrong everywhere, and leaves its neighbours alone", async () => {
  const [good, bad] = await train({ lrs: [0.3, 1e38] });
  assertTrue(good!.last.top1 > 0.6, `top-1 of ${good!.last.top1}`);
  assertEquals(bad!.last.top1 < 0.5, true);
  assertClose(
    good!.epochs.map(({ trainLoss }) => trainLoss),
    (await train({ lrs: [0.3] }))[0]!.epochs.map((e) => e.trainLoss),
  );
});

Deno.test("linearProbeHits() ranks equal logits by class, and counts the first five", async () => {
  const probe = createLinearProbe(1, { numClasses: 7, rates: [1] }, createRng(0));
  probe.weight.assign(tf.tensor2d([[5, 4, 4, 3, 2, 1, NaN]]));
  const hits = async (label: number) => {
    const [{ top1, top5 }] = await linearProbeHits(
      probe,
      tf.ones([1, 1]),
      Int32Array.of(label),
    ) as [
      { top1: number; top5: number },
    ];
    return [top1, top5];
  };
  const all = (labels: number[]) => Promise.all(labels.map(hits));
  assertEquals(await all([0, 1, 2, 4, 5, 6]), [[1, 1], [0, 1], [0, 1], [0, 1], [0, 0], [0, 0]]);
  probe.weight.assign(tf.tensor2d([[5, 5, 0, 0, 0, 0, 0]]));
  assertEquals(await all([0, 1, 5]), [[1, 1], [0, 1], [0, 0]]);
});

Deno.test("trainLinearProbe() reports every batch, the last smaller one too, and keeps no tensor when left", async () => {
  const source = cachedSource(set);
  const options = { numClasses: classes, epochs: 2, batchSize: 128 };
  const run = () => trainLinearProbe(source, source, options, createRng(0));
  const steps: ProbeStep[] = [];
  await drain(run(), (step) => steps.push(step));
  assertEquals(steps.map(({ step }) => step), [1, 2, 3, 4]); // 250 images in batches of 128
  assertEquals(steps.map(({ totalSteps }) => totalSteps), [4, 4, 4, 4]);
  assertEquals(steps.map(({ tested }) => tested?.epoch), [undefined, 1, undefined, 2]);
  await assertNoLeakAsync(async () => {
    for await (const _ of run()) break;
  });
  await assertNoLeakAsync(() => drain(run()));
});

Deno.test("trainLinearProbe() throws on labels, sizes and options that make no sense", async () => {
  const source = cachedSource(set);
  const rejects = (options: object, text: string, test = source) =>
    assertRejects(
      () => drain(trainLinearProbe(source, test, { numClasses: 3, ...options }, createRng(0))),
      RangeError,
      text,
    );
  await rejects({ numClasses: 2 }, "label 2");
  await rejects({ epochs: 0 }, "epochs");
  await rejects({ batchSize: 1.5 }, "batchSize");
  await rejects({ lrs: [0.1, 0] }, "[0.1, 0]");
  await rejects({ lrs: [] }, "learning rates");
  const other = cachedSource({ features: new Float32Array(8), labels: Int32Array.of(0) });
  await rejects({}, "length 6", other);
});

Deno.test("steps of a linear probe read once an epoch if told so, and have the same numbers", async () => {
  const expected = await train({ lrs: [0.1, 1], epochs: 3 });
  using counter = countReads();
  const actual = await withDeferredReads(() => train({ lrs: [0.1, 1], epochs: 3 }));
  const batches = Math.ceil(set.labels.length / 64);
  // For each epoch the losses, ten batches at a time, and the logits of every test batch.
  assertEquals(counter.reads, 3 * (Math.ceil(batches / 10) + batches));
  assertEquals(actual, expected);
});
