import { createRng } from "lib/rng.ts";
import { fitClassifier, type FitClassifierOptions } from "lib/eval/probe/fit_classifier.ts";
import { probeEpochs } from "lib/eval/probe/probe_steps.ts";
import { cachedSource } from "lib/eval/probe/probe_sources.ts";
import { type ProbeEpoch, trainLinearProbe } from "lib/eval/probe/train_linear_probe.ts";
import { assertClose, assertEquals, assertRejects } from "lib/testing/assert.ts";
import { assertNoLeakAsync } from "lib/testing/leaks.ts";
import { drain } from "lib/testing/steps.ts";

/** Three clouds in five dimensions, which a line tells apart. */
const rng = createRng(1);
const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3);
const features = Float32Array.from(
  { length: 60 * 5 },
  (_, i) => (i % 5 === labels[Math.floor(i / 5)] ? 2 : 0) + rng.normal(0, 0.3),
);
const source = cachedSource({ features, labels });
const options: FitClassifierOptions = {
  numClasses: 3,
  lrs: [0.001, 3, 1e39],
  epochs: 6,
  batchSize: 16,
};

async function fit(changes: Partial<FitClassifierOptions> = {}) {
  const steps = fitClassifier(source, { ...options, ...changes }, createRng(7));
  const fractions: number[] = [];
  return { ...await drain(steps, (fraction) => fractions.push(fraction)), fractions };
}

/** The last epoch, at each rate, of a linear probe with the same stream. */
async function probe(): Promise<ProbeEpoch[]> {
  const courses = await drain(trainLinearProbe(source, source, options, createRng(7)));
  return courses.map(({ last }) => last);
}

Deno.test("fitClassifier() gives the probe's classifier of the least training loss, with its very accuracy", async () => {
  const { weight, bias, lr, trainLoss, fractions } = await fit();
  // Neither the slow rate nor the one that diverged.
  assertEquals([weight.length, bias.length, lr], [15, 3, 3]);
  const hits = labels.filter((label, i) => {
    const logits = [0, 1, 2].map((c) =>
      bias[c]! +
      [0, 1, 2, 3, 4].reduce((sum, d) => sum + features[i * 5 + d]! * weight[d * 3 + c]!, 0)
    );
    return logits.indexOf(Math.max(...logits)) === label;
  }).length;
  assertEquals(hits / 60, (await probe())[1]!.top1);
  assertEquals(hits > 55, true);
  assertEquals(trainLoss < 0.3 && trainLoss > 0, true);
  assertEquals([fractions.length, fractions.at(-1)], [6 * 4, 1]);
  assertClose(fractions[0]!, 16 / 60 / 6);
});

Deno.test("fitClassifier() weighs the last, smaller batch of an epoch by its images", async () => {
  const still = { lrs: [1e-12], epochs: 1 }; // at so low a rate nothing moves
  const whole = (await fit({ ...still, batchSize: 60 })).trainLoss;
  assertClose((await fit({ ...still, batchSize: 16 })).trainLoss, whole, 1e-5);
});

Deno.test("fitClassifier() takes a linear probe's epochs and batch where none are given", async () => {
  const { fractions } = await fit({ epochs: undefined, batchSize: undefined });
  // 60 images: one batch
  assertEquals([fractions.length, fractions[0]], [probeEpochs, 1 / probeEpochs]);
});

Deno.test("fitClassifier() leaks nothing, stopped or not, and refuses what it cannot fit", async () => {
  await assertNoLeakAsync(() => fit({ epochs: 1 }));
  await assertNoLeakAsync(async () => {
    const steps = fitClassifier(source, options, createRng(0));
    await steps.next();
    await steps.return(undefined as never);
  });
  await assertRejects(() => fit({ numClasses: 2 }), RangeError, "label 2 is not one of 2");
  await assertRejects(() => fit({ lrs: [1e39] }), RangeError, "try lower");
});
