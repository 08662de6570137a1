import * as tf from "lib/tf.ts";
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import {
  byolStart,
  deepClusterStart,
  esvitStart,
  iGptMaskedStart,
  mobyStart,
  mocoV3Start,
  simclrStart,
  simclrV2Start,
  swavStart,
} from "lib/experiments/configs/method_runs.ts";
import type { TrainOptions } from "lib/experiments/runs/train_run.ts";
import { pretrain } from "./pretrain.ts";
import { baselines, knn, type KnnResult } from "lib/experiments/measure/knn_scores.ts";
import { createRng } from "lib/rng.ts";
import { createMethod } from "lib/ssl/methods.ts";
import { override, type PretrainConfig, recipeAt } from "lib/experiments/configs/config.ts";
import { createModel } from "lib/models/mod.ts";
import { runFolder } from "lib/experiments/runs/run_folder.ts";
import { type FinishedRun, readFinishedRun } from "lib/experiments/ship/finished_run.ts";
import { type HalfFiles, readHalfFiles } from "lib/experiments/ship/shipped_weights.ts";
import { findSubject, loadSubject } from "lib/experiments/subjects/subject.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { inOutputs, sharedOutputs } from "lib/testing/outputs.ts";
import { endsAt } from "lib/testing/runs/stopped_run.ts";

const options = { scale: "smoke", seed: 0 } as const;
/** For tests of the methods: what one of them trains, the others load. */
const inSharedOutputs = sharedOutputs();
const small = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
});

Deno.test("pretrain() runs to its end, and the same call then loads", () =>
  inOutputs(async () => {
    const trained = await pretrain(small, options);
    assertTrue(trained.finished, "finished");
    assertEquals(trained.step, 16);
    assertEquals(trained.history.length, 16);
    const monitored = trained.history.filter(({ metrics }) => "knn20Top1" in metrics);
    assertEquals(monitored.map(({ step }) => step), [4, 8, 12, 16]);
    let steps = 0;
    const loaded = await pretrain(small, { ...options, onEvent: () => void steps++ });
    assertEquals(steps, 0);
    assertEquals(loaded, trained);
  }));

const smallByol = override(byolStart, {
  name: "test_byol",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], dropPathRate: 0.2 } },
});

const [smallSimclr, smallSimclrV2, smallMocoV3, smallMoby] = [
  simclrStart,
  simclrV2Start,
  mocoV3Start,
  mobyStart,
].map((config: PretrainConfig) =>
  override(config, {
    name: `test_${config.name}`,
    recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], dropPathRate: 0.2 } },
  })
);

const smallSwav = override(swavStart, {
  name: "test_swav",
  recipe: {
    model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], dropPathRate: 0.2 },
    queueLength: 48, // full after three of the sixteen steps
    queueStartShare: 0,
  },
});

const smallEsvit = override(esvitStart, {
  name: "test_esvit",
  recipe: { model: { depths: [1, 1, 1], dims: [8, 8, 16], dropPathRate: 0.2 } },
});

const smallIGpt = override(iGptMaskedStart, {
  name: "test_igpt",
  recipe: { model: { depth: 2, embedDim: 8, featureBlock: 1, patchSize: 4, colours: 6 } },
  scales: { smoke: { trainCount: 64, testCount: 16, batchSize: 8, epochs: 2 } },
});

/** Its eight steps an epoch leave the last 4 of 68 images out, others in each epoch. */
const smallDeepCluster = override(deepClusterStart, {
  name: "test_deepcluster",
  recipe: {
    model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], dropPathRate: 0.2 },
    head: { prototypes: [16, 8, 4] },
  },
  scales: { smoke: { trainCount: 68 } },
});

for (
  const [name, train] of [
    ["DINO", (more: Partial<TrainOptions>) => pretrain(small, { ...options, ...more })],
    ["BYOL", (more: Partial<TrainOptions>) => pretrain(smallByol, { ...options, ...more })],
    ["SimCLR", (more: Partial<TrainOptions>) => pretrain(smallSimclr!, { ...options, ...more })],
    ["SwAV", (more: Partial<TrainOptions>) => pretrain(smallSwav, { ...options, ...more })],
    ["iGPT", (more: Partial<TrainOptions>) => pretrain(smallIGpt, { ...options, ...more })],
    ["EsViT", (more: Partial<TrainOptions>) => pretrain(smallEsvit, { ...options, ...more })],
    ["MoCo v3", (more: Partial<TrainOptions>) => pretrain(smallMocoV3!, { ...options, ...more })],
    [
      "DeepCluster-v2",
      (more: Partial<TrainOptions>) => pretrain(smallDeepCluster, { ...options, ...more }),
    ],
    ["MoBY", (more: Partial<TrainOptions>) => pretrain(smallMoby!, { ...options, ...more })],
  ] as const
) {
  Deno.test(`an interrupted run of ${name} goes on to the very numbers of an uninterrupted one`, () =>
    inSharedOutputs(async (folder) => {
      const straight = await train({});
      const moved = `${straight.run}-straight`;
      Deno.renameSync(`${folder}/${straight.run}`, `${folder}/${moved}`);
      const stop = new AbortController();
      const onEvent = ({ step }: { step: number }) => {
        if (step === 5) stop.abort();
      };
      const first = await train({ onEvent, signal: stop.signal });
      assertTrue(endsAt(first, 5), `ended after step ${first.step}`);
      // A crash after the checkpoint leaves lines beyond it, the last one cut short.
      Deno.writeTextFileSync(
        `${folder}/${straight.run}/metrics.jsonl`,
        `{"step":${first.step + 1},"loss":99}\n{"step":${first.step + 2},"lo`,
        { append: true },
      );
      assertEquals((await train({ untilStep: 9 })).step, 9);
      assertEquals(await train({}), straight);
      const last = (run: string) => readTrainingState(listCheckpoints(`${folder}/${run}`)[0]!.path);
      assertEquals(last(straight.run), last(moved));
    }));
}

Deno.test("a run stopped in the middle of its monitor, the last one too, makes up for it", () =>
  inOutputs(async (folder) => {
    const straight = await pretrain(small, options);
    Deno.removeSync(`${folder}/${straight.run}`, { recursive: true });
    for (const at of [8, 16]) {
      // Aborted before the step of a monitor is taken: heard at the monitor's first pause.
      const stop = new AbortController();
      const onEvent = ({ step }: { step: number }) => {
        if (step === at - 1) queueMicrotask(() => setTimeout(() => stop.abort()));
      };
      const stopped = await pretrain(small, { ...options, onEvent, signal: stop.signal });
      assertEquals([stopped.step, stopped.finished], [at, false]);
      assertTrue(!("knn20Top1" in stopped.history.at(-1)!.metrics), "the monitor was cut short");
    }
    assertEquals(await pretrain(small, options), straight);
  }));

Deno.test("two seeds differ, { fresh: true } trains again to the same numbers", () =>
  inOutputs(async () => {
    const a = await pretrain(small, { ...options, untilStep: 3 });
    const b = await pretrain(small, { ...options, seed: 1, untilStep: 3 });
    assertTrue(a.history[2]!.metrics.loss !== b.history[2]!.metrics.loss, "seeds differ");
    let steps = 0;
    const again = await pretrain(small, {
      ...options,
      untilStep: 3,
      fresh: true,
      onEvent: () => void steps++,
    });
    assertEquals(steps, 3);
    assertEquals(again, a);
  }));

Deno.test("{ fresh: true } that is interrupted goes on with the same call, and a finished one trains again", () =>
  inOutputs(async () => {
    const straight = await pretrain(small, options);
    const warnings: string[] = [];
    let seen: number[] = [];
    const train = (signal?: AbortSignal, stopAt = Infinity, stop?: AbortController) => {
      seen = [];
      const onEvent = ({ step }: { step: number }) => {
        seen.push(step);
        if (step === stopAt) stop!.abort();
      };
      const onWarning = (message: string) => void warnings.push(message);
      return pretrain(small, { ...options, fresh: true, onEvent, onWarning, signal });
    };
    // Stopped at steps that are monitored, where runs end on a GPU too.
    for (const [from, to] of [[0, 4], [4, 8]] as const) {
      const stop = new AbortController();
      const { step, finished } = await train(stop.signal, to, stop);
      assertEquals([seen[0], step, finished], [from + 1, to, false]);
    }
    assertEquals(await train(), straight);
    assertEquals([seen[0], seen.at(-1)], [9, straight.totalSteps]);
    assertEquals(warnings.map((line) => /going on at step (\d+) with/.exec(line)?.[1]), ["4", "8"]);
    assertEquals(await train(), straight); // all of it
    assertEquals([seen[0], seen.at(-1), warnings.length], [1, straight.totalSteps, 2]);
  }));

Deno.test("an interrupted { fresh: true } begins at 0 where its checkpoints are damaged or it was finished without fresh", () =>
  inOutputs(async (outputs) => {
    const stop = new AbortController();
    const interrupted = () => {
      const onEvent = ({ step }: { step: number }) => void (step === 2 && stop.abort());
      return pretrain(small, { ...options, fresh: true, onEvent, signal: stop.signal });
    };
    const stepsOf = async (fresh: boolean) => {
      let steps = 0;
      await pretrain(small, { ...options, fresh, onEvent: () => void steps++, onWarning() {} });
      return steps;
    };
    const { run, totalSteps } = await interrupted();
    for (const { name } of Deno.readDirSync(`${outputs}/${run}`)) {
      if (/^(checkpoint|best)/.test(name)) Deno.writeTextFileSync(`${outputs}/${run}/${name}`, "x");
    }
    assertEquals(await stepsOf(true), totalSteps);
    await interrupted(); // aborted from its first step on
    await stepsOf(false);
    assertEquals(await stepsOf(true), totalSteps);
  }));

Deno.test("pretrain() keeps no tensor", () =>
  inOutputs(async () => {
    await pretrain(small, { ...options, untilStep: 2 });
    const before = tf.memory().numTensors;
    await pretrain(small, { ...options, fresh: true, untilStep: 5 });
    assertEquals(tf.memory().numTensors, before);
  }));

Deno.test("bad options stop before any step, in one line", () =>
  inOutputs(async () => {
    const tooLarge = override(small, { scales: { smoke: { batchSize: 10_000 } } });
    await assertRejects(() => pretrain(tooLarge, options), RangeError, "batch of 10000");
    const recipe = { ...small.recipe, precision: "fp16" as "bf16" };
    await assertRejects(() => pretrain({ ...small, recipe }, options), RangeError, '"fp16"');
    const folder = override(small, { name: "own" });
    const own = {
      ...folder,
      data: { kind: "folder", train: "/nowhere", test: "/nowhere" },
    } as const;
    await assertRejects(() => pretrain(own, options), Error, "/nowhere");
    Deno.env.set("BCSSL_OUTPUTS", "/proc/none");
    await assertRejects(() => pretrain(small, options), Error, "/proc/none");
  }));

Deno.test("a method that is none stops before any step, and says which there are", () =>
  inOutputs(async () => {
    const recipe = { ...smallByol.recipe, method: "pirl" as "byol" };
    const train = () => pretrain({ ...smallByol, recipe }, options);
    const text =
      'recipe.method is "pirl", but must be "dino", "byol", "simclr", "swav", "deepcluster_v2", "esvit", "mocov3", "moby", "igpt"';
    await assertRejects(train, RangeError, text);
    const create = () =>
      createMethod(
        { ...recipeAt(smallByol, "smoke"), method: "pirl" as "byol" },
        createRng(0),
        256,
      );
    assertThrows(
      create,
      RangeError,
      'Cannot train by recipe.method "pirl": use byol, simclr, swav, deepcluster_v2, esvit, mocov3, moby, igpt; DINO has none',
    );
  }));

Deno.test("a run of BYOL is evaluated by its online network, which starts from the weights of any method's run", () =>
  inSharedOutputs(async () => {
    const { history } = await pretrain(smallByol, options);
    const measured = (rows: KnnResult) => rows.accuracies.map(({ top1 }) => top1);
    const last = history.at(-1)!.metrics;
    const monitor = [10, 20, 100, 200].map((k) => last[`knn${k}Top1`]!);
    const [teacher, student] = [
      await knn(smallByol, options),
      await knn(smallByol, {
        ...options,
        of: "student",
      }),
    ];
    assertEquals(measured(teacher), monitor);
    assertEquals(measured(student), monitor);
    const best = await knn(smallByol, { ...options, of: "best" });
    assertTrue(best.version.startsWith("step "), best.version);
    const dino = override(small, { recipe: { model: { dropPathRate: 0.2 } } });
    const [init, ofDino] = [smallByol, dino].map((config) =>
      knn(config, { ...options, of: "init" })
    );
    assertEquals(measured(await init!), measured(await ofDino!));
    assertTrue(measured(await init!).join() !== monitor.join(), "training changes something");
  }));

for (
  const config of [
    smallSimclr!,
    smallSimclrV2!,
    smallSwav,
    smallDeepCluster,
    smallMocoV3!,
    smallMoby!,
    smallIGpt,
  ]
) {
  Deno.test(`the k-NN of a run of ${config.name} is the monitor's, and of its first weights another`, () =>
    inSharedOutputs(async () => {
      const { history } = await pretrain(config, options);
      const measured = (rows: KnnResult) => rows.accuracies.map(({ top1 }) => top1);
      const last = history.at(-1)!.metrics;
      const monitor = [10, 20, 100, 200].map((k) => last[`knn${k}Top1`]!);
      for (const subject of ["teacher", "student"] as const) {
        assertEquals(measured(await knn(config, { ...options, of: subject })), monitor);
      }
      const init = measured(await knn(config, { ...options, of: "init" }));
      assertTrue(init.join() !== monitor.join(), "training changes something");
    }));
}

/** The names in a shipped file. */
function namesIn({ weights }: HalfFiles): string[] {
  const length = Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length)));
  return Object.keys(header).filter((name) => name !== "__metadata__");
}

Deno.test("SimCLRv2 is measured behind the first layer of its head, SimCLR at the backbone", () =>
  inSharedOutputs(async () => {
    const key = (config: PretrainConfig) => ({ config, ...options });
    const names: Record<string, number> = {};
    for (const config of [smallSimclr!, smallSimclrV2!]) {
      await pretrain(config, options);
      for (const backboneOnly of [false, true]) {
        const found = findSubject(key(config), "teacher");
        using model = await loadSubject(key(config), "teacher", found, { backboneOnly });
        const ofHead = [...namedVariables(model.params).keys()].filter((name) =>
          name.startsWith("projector.")
        );
        names[`${config.name} ${backboneOnly}`] = ofHead.length;
      }
      const run = readFinishedRun(runFolder(key(config))) as FinishedRun;
      const shipped = namesIn(readHalfFiles(run) as HalfFiles);
      names[`${config.name} shipped`] = shipped.filter((name) => name.includes("projector")).length;
      assertTrue(shipped.every((name) => name.startsWith("network.")), "one network is shipped");
    }
    assertEquals(names, {
      "test_start_simclr false": 0,
      "test_start_simclr true": 0,
      "test_start_simclr shipped": 0,
      "test_start_simclr_v2 false": 5,
      "test_start_simclr_v2 true": 0,
      "test_start_simclr_v2 shipped": 5,
    });
  }));

for (
  const [config, network] of [[smallMocoV3!, "base_encoder"], [smallMoby!, "encoder"]] as const
) {
  Deno.test(`of a run of ${config.name} the trained backbone is shipped, without projector and average`, () =>
    inSharedOutputs(async () => {
      await pretrain(config, options);
      const run = readFinishedRun(runFolder({ config, ...options })) as FinishedRun;
      const shipped = namesIn(readHalfFiles(run) as HalfFiles);
      using backbone = createModel(config.recipe.model, createRng(0));
      const expected = [...namedVariables(backbone.params).keys()];
      assertEquals(shipped.sort(), expected.map((name) => `${network}.${name}`).sort());
    }));
}

Deno.test("baselines() measure chance, pixels and the weights that pretrain starts from", () =>
  inOutputs(async () => {
    const enough = override(small, { scales: { smoke: { trainCount: 128 } } });
    const { chance, pixels, randomInit } = await baselines(enough, {
      scale: "smoke",
      seeds: [0, 1],
    });
    assertTrue(chance >= 0.1 && chance < 0.4, `chance ${chance}`);
    assertEquals(randomInit.length, 2);
    for (const rows of [pixels, ...randomInit]) {
      assertEquals(rows.map(({ k }) => k), [10, 20, 100, 200]);
      assertTrue(rows[0]!.top1 > chance, `k-NN of ${rows[0]!.top1} is no better than chance`);
    }
  }));
