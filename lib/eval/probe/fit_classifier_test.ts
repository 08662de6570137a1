import { createRng } from "lib/rng.ts";
import { fitClassifier, type FitClassifierOptions } from "lib/eval/probe/fit_classifier.ts";
import { cachedSource } from "lib/eval/probe/probe_sources.ts";
import { type ProbeEpoch, trainLinearProbe } from "lib/eval/probe/train_linear_probe.ts";
import { assertClose, assertEquals, assertNoLeak, assertThrows } from "lib/testing/assert.ts";

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

function fit(changes: Partial<FitClassifierOptions> = {}) {
  const steps = fitClassifier(source, { ...options, ...changes }, createRng(7));
  const fractions: number[] = [];
  for (let step = steps.next();; step = steps.next()) {
    if (step.done) return { ...step.value, fractions };
    fractions.push(step.value);
  }
}

/** Of a linear probe with the same stream: its last epoch at each rate. */
function probe(): ProbeEpoch[] {
  const steps = trainLinearProbe(source, source, options, createRng(7));
  for (let step = steps.next();; step = steps.next()) {
    if (step.done) return step.value.map(({ last }) => last);
  }
}

Deno.test("fitClassifier() gives the probe's classifier of the least training loss, with its very accuracy", () => {
  const { weight, bias, lr, trainLoss, fractions } = fit();
  assertEquals([weight.length, bias.length, lr], [15, 3, 3]); // neither the slow nor the one that diverged
  const hits = labels.filter((label, i) => {
    const logits = [0, 1, 2].map((c) =>
      bias[c]! +
      [0, 1, 2, 3, 4].reduce((sum, d) => sum + features[i * 5 + d]! * weight[d * 3 + c]!, 0)
    );
    return logits.indexOf(Math.max(...logits)) === label;
  }).length;
  assertEquals(hits / 60, probe()[1]!.top1);
  assertEquals(hits > 55, true);
  assertEquals(trainLoss < 0.3 && trainLoss > 0, true);
  assertEquals([fractions.length, fractions.at(-1)], [6 * 4, 1]);
  assertClose(fractions[0]!, 16 / 60 / 6);
});

Deno.test("fitClassifier() weighs the last, smaller batch of an epoch by its images", () => {
  const whole = fit({ lrs: [1e-12], batchSize: 60, epochs: 1 }).trainLoss; // at so low a rate nothing moves
  assertClose(fit({ lrs: [1e-12], batchSize: 16, epochs: 1 }).trainLoss, whole, 1e-5);
});

Deno.test("fitClassifier() leaks nothing, stopped or not, and refuses what it cannot fit", () => {
  assertNoLeak(() => void fit({ epochs: 1 }));
  assertNoLeak(() => {
    const steps = fitClassifier(source, options, createRng(0));
    steps.next();
    steps.return(undefined as never);
  });
  assertThrows(() => fit({ numClasses: 2 }), RangeError, "label 2 is not one of 2");
  assertThrows(() => fit({ lrs: [1e39] }), RangeError, "try lower");
});
