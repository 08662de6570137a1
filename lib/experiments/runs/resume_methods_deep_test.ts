/**
 * Tests that exact resume holds for what `resume_slow_test.ts` leaves out: the other methods, whose
 * checkpoints hold what each keeps between steps (targets, queues, a palette), and training with
 * labels.
 */
import {
  checkpoint,
  fewChannels,
  half,
  type Kill,
  killAndCompare,
  monitorEvery,
} from "lib/testing/killed_runs.ts";

/** Ten places: in the first step, between steps, around checkpoints, monitors and epochs. */
const kills: readonly Kill[] = [
  { at: "step begun", until: 1 }, // nothing is saved yet
  { at: "step begun", pass: 2, until: 2 },
  { at: "file half written", file: "/checkpoint-", until: 3 },
  { at: "file renamed", file: "/checkpoint-", until: 4 },
  { at: "monitor begun", until: 5 },
  { at: "best linked", until: 6 },
  { at: "line half written", pass: 2, until: 8 },
  { at: "event half written", until: 9 }, // the second epoch begins
  { at: "old checkpoint removed", until: 13 },
  { at: "line written", pass: 3, until: 18 },
];

/** Changes to the recipe of each method's run in `method_runs.ts` that make it small. */
const small = {
  byolStart: { model: fewChannels, head: { hiddenDim: 16, outDim: 8 } },
  simclrStart: { model: fewChannels, head: { outDim: 8 } },
  simclrV2Start: { model: fewChannels, head: { outDim: 8 } },
  mocoV3Start: { model: fewChannels, head: { hiddenDim: 16, outDim: 8 } },
  mobyStart: { model: fewChannels, head: { hiddenDim: 16, outDim: 8 }, queueLength: 16 },
  swavStart: {
    model: fewChannels,
    head: { hiddenDim: 16, outDim: 8, prototypes: 8 },
    ...{ queueLength: 16, queueStartShare: 0.3 },
  },
  esvitStart: {
    model: { ...fewChannels, depths: [1, 1, 1], dims: [8, 8, 8] },
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
  },
  iGptStart: { model: { depth: 2, featureBlock: 1, embedDim: 16 } },
  iGptMaskedStart: { model: { depth: 2, featureBlock: 1, embedDim: 16 } },
};

for (const [config, recipe] of Object.entries(small)) {
  Deno.test(
    `killed at ${kills.length} named places, ${config} has the bits of an undisturbed run`,
    () => killAndCompare({ config, file: "method_runs.ts", recipe }, kills),
  );
}

/** DeepCluster-v2 also acts before each epoch. */
const aroundEpochs: readonly Kill[] = [
  { at: "epoch prepared", until: 2 }, // step 0: the memory is filled and clustered, nothing saved
  { at: "step begun", pass: 2, until: 2 },
  { at: "file half written", file: checkpoint, until: 3, leaves: half },
  { at: "epoch begun", until: 9 }, // between the first epoch's last step and the second's first
  { at: "epoch prepared", until: 10 },
  { at: "step begun", until: 11 },
  { at: "line half written", pass: 4, until: 13 },
  { at: "epoch prepared", until: 18 },
];

Deno.test(`killed at ${aroundEpochs.length} named places, deepClusterStart has the bits of an undisturbed run`, () => {
  const recipe = { model: fewChannels, head: { hiddenDim: 16, outDim: 8, prototypes: [8, 6, 4] } };
  return killAndCompare(
    { config: "deepClusterStart", file: "method_runs.ts", recipe },
    aroundEpochs,
  );
});

const withLabels: readonly Kill[] = [
  { at: "step begun", pass: 2, until: 2 },
  { at: "file half written", file: checkpoint, until: 2, leaves: half },
  { at: "line half written", pass: 2, until: 3 },
  { at: "monitor recorded", until: monitorEvery },
  { at: "best linked", until: monitorEvery, leaves: /^best\.safetensors\.\d+\.partial$/m },
];

Deno.test(`killed at ${withLabels.length} named places, a supervised run has the bits of an undisturbed one`, () => {
  const recipe = {
    model: fewChannels,
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
    freezeLastLayerShare: 0.3,
  };
  const run = {
    verb: "supervised",
    config: "bcSslStart",
    file: "notebook_runs.ts",
    recipe,
  } as const;
  return killAndCompare(run, withLabels);
});
