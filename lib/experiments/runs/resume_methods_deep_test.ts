/**
 * Tests that exact resume holds for the methods that `resume_slow_test.ts` leaves out: what each
 * keeps between steps (targets, queues, a palette) is in the checkpoint, and nothing else is needed.
 */
import { fewChannels, type Kill, killAndCompare } from "lib/testing/killed_runs.ts";

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
