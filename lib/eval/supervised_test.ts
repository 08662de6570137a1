import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { imageNetStats } from "lib/augment/mod.ts";
import type { ImageSet } from "lib/datasets/images.ts";
import { featureSteps } from "lib/eval/features.ts";
import { accuracyOf } from "lib/eval/rank.ts";
import { trainSupervised } from "lib/eval/supervised.ts";
import { convNeXtConfig, createModel } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import {
  assertClose,
  assertEquals,
  assertNoLeak,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";

/** Bright or dark images with noise: two classes that a few steps tell apart. */
function shades(count: number, size = 16): ImageSet {
  const rng = createRng(count);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const values = size * size * 3;
  const pixels = Uint8Array.from(
    { length: count * values },
    (_, i) => 90 + 60 * labels[Math.floor(i / values)]! + rng.normal(0, 20),
  );
  const ids = Array.from(labels, (_, i) => `${i}`);
  return { name: "shades", height: size, width: size, pixels, labels, classNames: ["a", "b"], ids };
}

const recipe = {
  batchSize: 16,
  epochs: 8,
  lr: 0.05,
  warmupShare: 0.1,
  weightDecay: 0.05,
  scale: [0.4, 1],
  stats: imageNetStats,
} as const;
const config = {
  ...convNeXtConfig("tiny"),
  depths: [1, 1],
  dims: [8, 16],
  layerScaleInit: 0.1,
  dropPathRate: 0,
};
const network = () => createModel(config, createRng(0), { numClasses: 2 });

function logits(model: ReturnType<typeof network>, set: ImageSet): Float32Array {
  const read = (x: tf.Tensor4D) => model.forward(x, { training: false }).logits!;
  const steps = featureSteps(read, set);
  for (let step = steps.next();; step = steps.next()) if (step.done) return step.value.features;
}

Deno.test("trainSupervised() learns two shades, moves every weight, and tells of each step", () => {
  const model = network();
  const before = new Map(
    [...namedVariables(model.params)].map(([name, value]) => [name, value.dataSync().slice()]),
  );
  const steps = [...trainSupervised(model, shades(70), recipe, createRng(1))];
  assertEquals(steps.length, 4 * 8); // four full batches of 70 images
  assertEquals(steps.map(({ step }) => step), steps.map((_, i) => i + 1));
  assertClose(Math.max(...steps.map(({ lr }) => lr)), 0.05 * 16 / 256);
  assertClose(steps[0]!.loss, Math.LN2, 0.2);
  const test = shades(200);
  const { top1, top5 } = accuracyOf(logits(model, test), test.labels);
  assertTrue(top1 > 0.95, `top-1 of ${top1}`);
  assertEquals(top5, 1);
  for (const [name, value] of namedVariables(model.params)) {
    const moved = value.dataSync().some((v, i) => v !== before.get(name)![i]);
    assertTrue(moved, `${name} has not moved`);
  }
});

Deno.test("trainSupervised() repeats itself for a seed, and another seed differs", () => {
  const losses = (seed: number) => {
    using model = network();
    return [...trainSupervised(model, shades(32), { ...recipe, epochs: 2 }, createRng(seed))]
      .map(({ loss }) => loss);
  };
  assertEquals(losses(3), losses(3));
  assertTrue(losses(3)[1] !== losses(4)[1], "seeds differ");
});

Deno.test("trainSupervised() crops an image anew in every epoch", () => {
  using model = network();
  const still = { ...recipe, batchSize: 32, epochs: 3, lr: 1e-12 }; // all images in one batch, no weight moves
  const losses = [...trainSupervised(model, shades(32), still, createRng(1))].map((s) => s.loss);
  const apart = [losses[1]! - losses[0]!, losses[2]! - losses[1]!].map(Math.abs);
  assertTrue(Math.min(...apart) > 1e-5, `losses are ${losses}`);
});

Deno.test("trainSupervised() keeps no tensor when it is left, and throws on too few images or NaN", () => {
  const model = network();
  assertNoLeak(() => {
    for (const { step } of trainSupervised(model, shades(32), recipe, createRng(1))) {
      if (step === 2) break;
    }
  });
  const run = () => [...trainSupervised(model, shades(12), recipe, createRng(1))];
  assertThrows(run, RangeError, "batch of 16 from 12");
  const weight = [...namedVariables(model.params).values()][0]!;
  tf.tidy(() => weight.assign(tf.fill(weight.shape, NaN)));
  assertNoLeak(() =>
    assertThrows(
      () => [...trainSupervised(model, shades(32), recipe, createRng(1))],
      RangeError,
      "loss is NaN",
    )
  );
});

Deno.test("accuracyOf() ranks equal logits by class and counts the first five", () => {
  const rows = [[0, 9, 9, 1, 2, 3, 4], [0, 9, 9, 1, 2, 3, 4], [0, 9, 9, 1, 2, 3, 4]];
  const { top1, top5 } = accuracyOf(Float32Array.from(rows.flat()), Int32Array.of(1, 2, 3));
  assertClose([top1, top5], [1 / 3, 2 / 3]);
});
