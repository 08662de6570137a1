import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createModel } from "lib/models/mod.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { saveWeights } from "lib/weights/weights.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { override } from "lib/experiments/configs/config.ts";
import { evaluated } from "./evaluations.ts";
import { baselines, knn } from "lib/experiments/measure/knn_scores.ts";
import { knnMonitor } from "lib/experiments/measure/knn_monitor.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { throughput } from "lib/experiments/measure/throughput.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

const options = { scale: "smoke", seed: 0 } as const;
const small = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
});

Deno.test("evaluated() computes once for the same options, again when fresh, and brings NaN back", () =>
  inOutputs(async (folder) => {
    const run = { id: "a", path: `${folder}/a` };
    let times = 0;
    const at = (step: number, fresh = false) =>
      evaluated(run, { name: "e", options: { step }, fresh }, () => {
        times++;
        return Promise.resolve({ step, loss: [1.5, NaN] });
      });
    assertEquals(await at(1), { step: 1, loss: [1.5, NaN] });
    assertEquals(await at(2), { step: 2, loss: [1.5, NaN] });
    assertEquals([await at(1), await at(2)], [
      { step: 1, loss: [1.5, NaN] },
      { step: 2, loss: [1.5, NaN] },
    ]);
    assertEquals(times, 2);
    await at(1, true);
    assertEquals(times, 3);
    await at(2);
    assertEquals(times, 3);
    Deno.writeTextFileSync(`${run.path}/e.json`, '[{"options":');
    await at(2);
    assertEquals(times, 4);
    const failing = () => Promise.reject(new Error("no"));
    const fresh = { name: "e", options: { step: 2 }, fresh: true };
    await assertRejects(() => evaluated(run, fresh, failing), Error, "no");
    await at(2);
    assertEquals(times, 4);
  }));

Deno.test("a run's k-NN, linear probe and monitor agree with each other, and load the second time", () =>
  inOutputs(async (folder) => {
    const run = await pretrain(small, { ...options, untilStep: 8 });
    const courses = knnMonitor(run);
    const { accuracies, version } = await knn(small, options);
    assertEquals(version, "step 8");
    assertEquals(courses.map(({ k, last: { top1, top5 } }) => ({ k, top1, top5 })), [
      ...accuracies,
    ]);
    assertEquals(courses[0]!.points.map(({ step }) => step), [4, 8]);

    const best = await knn(small, { ...options, of: "best" });
    const { best: { step, top1 } } = courses.find(({ k }) => k === 20)!;
    assertEquals([best.version, best.accuracies[1]!.top1], [`step ${step}`, top1]);

    const numTensors = tf.memory().numTensors;
    const events: number[] = [];
    const probe = () =>
      linearProbe(small, { ...options, epochs: 6, onEvent: ({ step }) => void events.push(step) });
    const trained = await probe();
    assertEquals(trained.run, run.run);
    assertEquals([trained.featureDim, trained.version], [16, "step 8"]);
    assertEquals(trained.courses.map(({ lr }) => lr), [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]);
    assertEquals(events, [1, 2, 3, 4, 5, 6]); // 256 images are one batch
    assertEquals(await probe(), trained);
    assertEquals(events.length, 6);
    assertEquals(tf.memory().numTensors, numTensors);
    const again = await linearProbe(small, { ...options, epochs: 6, fresh: true });
    assertEquals(again, trained);
    await pretrain(small, { ...options, untilStep: 2, fresh: true });
    await assertRejects(
      () => Deno.stat(`${folder}/${run.run}/linear.json`),
      Deno.errors.NotFound,
      "",
    );
  }));

Deno.test("linearProbe() reads teacher, student, first weights, pixels, and any file", () =>
  inOutputs(async (folder) => {
    await pretrain(small, { ...options, untilStep: 4 });
    const top = async (more: object) => {
      const { courses, featureDim } = await linearProbe(small, {
        ...options,
        lrs: [0.03],
        epochs: 8,
        ...more,
      });
      return { featureDim, losses: courses[0]!.epochs.map(({ trainLoss }) => trainLoss) };
    };
    const of = {
      teacher: await top({}),
      student: await top({ of: "student" }),
      init: await top({ of: "init" }),
      pixels: await top({ of: "pixels" }),
      augmented: await top({ augment: true }),
    };
    const losses = Object.values(of).map(({ losses }) => losses.at(-1));
    assertEquals(new Set(losses).size, 5);
    assertEquals(of.pixels.featureDim, 32 * 32 * 3);
    for (const { losses } of Object.values(of)) {
      assertTrue(
        losses.at(-1)! < losses[0]!,
        `the loss went from ${losses[0]} to ${losses.at(-1)}`,
      );
    }

    const path = `${folder}/first.safetensors`;
    const stream = createRng(0).fork("init").fork("backbone");
    const model = createModel(small.recipe.model, stream, { numClasses: 5 });
    await saveWeights(model, path); // a classifier beside the backbone is left alone
    disposeTree(model.params);
    assertEquals(await top({ of: { weights: path } }), of.init);
  }));

Deno.test("knn() of first weights is the baseline's; an evaluation without its weights says what to call", () =>
  inOutputs(async (folder) => {
    const { accuracies } = await knn(small, { ...options, of: "init" });
    const { randomInit } = await baselines(small, { scale: "smoke", seeds: [0] });
    assertEquals([...accuracies], [...randomInit[0]!]);
    const rejects = (of: object | string, text: string) =>
      assertRejects(() => knn(small, { ...options, of } as Parameters<typeof knn>[1]), Error, text);
    await rejects("teacher", "call pretrain()");
    await rejects("best", "call pretrain()");
    await rejects("supervised", "call supervised()");
    await rejects({ weights: `${folder}/none.npz` }, "none.npz");
    await rejects("someone", "someone");
    const other = createModel(
      override(small, { recipe: { model: { dims: [8, 8, 16, 8] } } }).recipe.model,
      createRng(0),
    );
    await saveWeights(other, `${folder}/other.safetensors`);
    disposeTree(other.params);
    await rejects({ weights: `${folder}/other.safetensors` }, "does not fit the network");
  }));

Deno.test("knn() of pixels is the baseline's, and is kept", () =>
  inOutputs(async (folder) => {
    const { pixels } = await baselines(small, { scale: "smoke", seeds: [0] });
    const { accuracies, run, version } = await knn(small, { ...options, of: "pixels" });
    assertEquals([...accuracies], [...pixels]);
    assertEquals(version, "as they are");
    assertTrue(Deno.statSync(`${folder}/${run}/knn.json`).isFile, "kept");
  }));

Deno.test("linearProbe() with some held out tests on those, and trains on the rest", () =>
  inOutputs(async () => {
    const probe = (more: object) =>
      linearProbe(small, { ...options, of: "init", epochs: 2, ...more });
    const steps: number[] = [];
    const onEvent = ({ step }: { step: number }) => void steps.push(step);
    const { courses } = await probe({ holdOut: 0.1, batchSize: 29, onEvent });
    assertEquals(steps.length, 2 * 2); // 58 of 64 images
    for (const { last } of courses) {
      const hits = last.top1 * 6;
      assertClose(hits, Math.round(hits), 1e-9);
    }
    const all = await probe({ batchSize: 29 });
    assertTrue(all.courses[0]!.last.trainLoss !== courses[0]!.last.trainLoss, "kept apart");
    await assertRejects(() => probe({ holdOut: 1 }), RangeError, "share of 1");
    await assertRejects(() => probe({ holdOut: 0.1, augment: true }), RangeError, "held out");
  }));

Deno.test("an aborted evaluation says so, keeps nothing and no tensor", () =>
  inOutputs(async (folder) => {
    const stop = new AbortController();
    stop.abort();
    const numTensors = tf.memory().numTensors;
    const hooks = { ...options, signal: stop.signal };
    const long = { ...hooks, of: "pixels", epochs: 10_000 } as const;
    await assertRejects(() => linearProbe(small, long), Error, "Stopped the linear probe");
    const { model } = small.recipe;
    await assertRejects(
      () => throughput(model, { signal: stop.signal, imageSize: 32 }),
      Error,
      "Stopped the measurement",
    );
    assertEquals(tf.memory().numTensors, numTensors);
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("throughput() measures a config's network, says on what, and measures again when fresh", () =>
  inOutputs(async () => {
    const sizes = { batchSize: 2, imageSize: 32, warmup: 1, timed: 2 };
    const { model } = small.recipe;
    const measured = await throughput(model, sizes);
    assertClose(measured.imagesPerSecond, 4 / measured.seconds);
    assertTrue(measured.engine.length > 5, measured.engine);
    assertEquals(await throughput(model, sizes), measured);
    const others = [
      await throughput(model, { ...sizes, timed: 3 }),
      await throughput({ ...model, batchNorm: false } as typeof model, sizes),
      await throughput(model, { ...sizes, fresh: true }),
    ];
    for (const { seconds } of others) assertTrue(seconds !== measured.seconds, "measured anew");
  }));

Deno.test("knnMonitor() tells the last point from the best, for every k in order", () => {
  const line = (step: number, metrics: Record<string, number>) => ({ step, metrics });
  const history = [
    line(1, { loss: 3 }),
    line(5, { loss: 2, knn20Top1: 0.5, knn20Top5: 0.8, knn100Top1: 0.3, knn100Top5: 0.6 }),
    line(10, { loss: 2, knn20Top1: 0.7, knn20Top5: 0.9, knn100Top1: 0.3, knn100Top5: 0.7 }),
    line(15, { loss: 1, knn20Top1: 0.6, knn20Top5: 0.95, knn100Top1: 0.2, knn100Top5: 0.7 }),
  ];
  const [k20, k100] = knnMonitor({ history });
  assertEquals([k20!.k, k20!.best.step, k20!.last], [20, 10, { step: 15, top1: 0.6, top5: 0.95 }]);
  assertEquals([k100!.k, k100!.best.step, k100!.points.length], [100, 5, 3]);
  assertEquals(knnMonitor({ history: history.slice(0, 1) }), []);
});
