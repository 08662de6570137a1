import * as tf from "lib/tf.ts";
import { createRng, type Rng } from "lib/rng.ts";
import type { TransferMetric } from "lib/datasets/transfer/transfer_types.ts";
import { bankOf } from "lib/eval/features/feature_bank.ts";
import {
  elevaterPlan,
  elevaterProbe,
  honestPlan,
  honestProbe,
  type SearchPlan,
} from "./probe_search.ts";
import { trainHeads } from "./probe_heads.ts";
import { type TransferFeatures, transferFeatures } from "./transfer_features.ts";
import goldenCases from "./golden/probe_search.json" with { type: "json" };
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";
import { formula } from "lib/testing/formula.ts";
import { drain } from "lib/testing/steps.ts";

type Golden = typeof goldenCases[number];

/** A stream whose orders and weights are those of golden/probe_search.py. */
function formulaRng(epoch = 0): Rng {
  let drawn = 0;
  const values = formula("weight", 100);
  return {
    ...createRng(0),
    fork: (name) => formulaRng(typeof name === "number" ? name : 0),
    uniform: (_, max = 1) => max * values[drawn++]!,
    permutation: (count) =>
      Uint32Array.from({ length: count }, (_, i) => (1009 * i + 31 * epoch) % count),
  };
}

function featuresOf(
  features: readonly number[],
  truth: readonly number[] | readonly number[][],
  { classes, dim, metric }: Pick<Golden, "classes" | "dim" | "metric">,
): TransferFeatures {
  const count = features.length / dim;
  const labels = Int32Array.from({ length: count }, (_, i) => metric === "map11" ? -1 : +truth[i]!);
  return transferFeatures(bankOf({ features: Float32Array.from(features), labels }, "test's"), {
    numClasses: classes,
    labels,
    ...(metric === "map11" && { several: Int8Array.from(truth as readonly number[]) }),
  });
}

function partsOf(golden: Golden): readonly [TransferFeatures, TransferFeatures] {
  const { features, truth, testFeatures, testTruth } = golden;
  return [featuresOf(features, truth, golden), featuresOf(testFeatures, testTruth, golden)];
}

function planOf({ plan, honest }: Golden): SearchPlan {
  return { ...plan, scored: honest ? "last epoch" : "best epoch" };
}

for (const golden of goldenCases) {
  Deno.test(`${golden.honest ? "honest" : "elevater"}Probe() equals PyTorch, search path included: ${golden.name}`, async () => {
    const probe = golden.honest ? honestProbe : elevaterProbe;
    const plan = planOf(golden);
    const options = { metric: golden.metric as TransferMetric, plan };
    const found = await drain(probe(...partsOf(golden), options, formulaRng()));
    assertClose(
      [found.lr, found.weightDecay],
      [golden.lr, plan.weightDecays[golden.place]!],
      1e-12,
    );
    assertClose([found.score, found.testScore], [golden.score, golden.testScore], 1e-12);
    // The oracle takes one rate after the other; here a round has all rates.
    const byRate = plan.lrs.flatMap((lr) => found.trials.filter((trial) => trial.lr === lr));
    const expected = golden.trials.map(([rate, place, score]) => [
      plan.lrs[rate!]!,
      plan.weightDecays[place!]!,
      score!,
    ]);
    assertEquals(byRate.map(({ lr, weightDecay }) => [lr, weightDecay]), [
      ...expected.map(([lr, decay]) => [lr, decay]),
    ]);
    assertClose(byRate.map(({ score }) => score), expected.map(([, , score]) => score!), 1e-12);
  });
}

Deno.test("trainHeads() gives the scores of every epoch, the same alone as beside others", async () => {
  const golden = goldenCases[0]!;
  const [train, test] = partsOf(golden);
  const setting = { lr: golden.lr, weightDecay: elevaterPlan.weightDecays[golden.place]! };
  const diverges = { lr: 0.1, weightDecay: 1e6 };
  const options = {
    epochs: golden.finalScores.length,
    metric: "accuracy",
    tested: "every epoch",
    softmax: true,
  } as const;
  const settings = [diverges, setting, { lr: 1e-6, weightDecay: 1 }];
  const scores = await drain(trainHeads(train, test, { ...options, settings }, formulaRng()));
  assertClose(scores[1]!, golden.finalScores, 1e-12);
  assertEquals(scores[0]!.at(-1), 0, "a classifier that has diverged scores nothing");
  const once = { ...options, settings: [setting], tested: "once" as const };
  assertEquals(await drain(trainHeads(train, test, once, formulaRng())), [[
    golden.finalScores.at(-1)!,
  ]]);
});

Deno.test("the plans are ELEVATER's and the honest one", () => {
  const { lrs, weightDecays, coarse } = elevaterPlan;
  assertEquals([lrs.length, weightDecays.length, weightDecays.length % coarse], [6, 97, 1]);
  assertClose(
    [weightDecays[0]!, weightDecays[16]!, weightDecays.at(-1)!],
    [1e-6, 1e-4, 1e6],
    1e-12,
  );
  assertEquals(honestPlan.epochs, honestPlan.finalEpochs);
});

Deno.test("honestProbe() is the same for a seed, looks at the test images once, and leaks nothing", async () => {
  const golden = goldenCases[1]!;
  const [train, test] = partsOf(golden);
  let looks = 0;
  const watched: TransferFeatures = {
    ...test,
    gather: (indices) => {
      looks++;
      return test.gather(indices);
    },
  };
  const plan = planOf(golden);
  const run = (seed: number) =>
    drain(honestProbe(train, watched, { metric: "accuracy", plan }, createRng(seed)));
  const { numTensors } = tf.memory();
  const first = await run(1);
  assertEquals(looks, 1);
  assertEquals(await run(1), first);
  const other = await run(2);
  assertTrue(first.trials.some(({ score }, i) => score !== other.trials[i]!.score), "other seeds");
  assertEquals(tf.memory().numTensors, numTensors);
  const stopped = honestProbe(train, test, { metric: "accuracy", plan }, createRng(0));
  await stopped.next();
  await stopped.return(undefined as never);
  assertEquals(tf.memory().numTensors, numTensors);
});

Deno.test("probes refuse images that leave nothing to train on, and labels that do not fit", async () => {
  const one = { features: Float32Array.of(1, 2, 3), labels: Int32Array.of(0, 1, 2) };
  const truth = { numClasses: 3, labels: one.labels };
  const alone = transferFeatures(bankOf(one, "test's"), truth);
  await assertRejects(
    () => drain(elevaterProbe(alone, alone, { metric: "accuracy" }, createRng(0))),
    RangeError,
    "3 images leave 0 to train on; take two or more of each class",
  );
  assertThrows(
    () => transferFeatures(bankOf(one, "test's"), { ...truth, numClasses: 2 }),
    RangeError,
    "image 2: its label is 2, not one of 2 classes",
  );
  assertThrows(
    () => transferFeatures(bankOf(one, "test's"), { ...truth, labels: Int32Array.of(0) }),
    RangeError,
    "3 features: there are 1 labels",
  );
});
