/**
 * Tests exact resume: a run that is killed at every fault point ends with the same bits as one that
 * is not killed, by DINO, by DeepCluster-v2 and with labels. `resume_methods_deep_test.ts` kills
 * runs of the other methods.
 */
import {
  fewChannels,
  type Kill,
  killAndCompare,
  type KilledRun,
  monitorEvery,
} from "lib/testing/killed_runs.ts";

const checkpoint = "/checkpoint-";
const half = /^checkpoint-\d+\.safetensors\.\d+\.partial$/m;

/**
 * What is trained: the verb `pretrain` by DINO and by DeepCluster-v2, which acts before each epoch,
 * and the verb `supervised`.
 */
type Kind = "pretrain" | "deepcluster" | "supervised";

const kills: Readonly<Record<Kind, readonly Kill[]>> = {
  pretrain: [
    { at: "lock taken", until: 1, leaves: /^lock$/ },
    { at: "file half written", file: "/config.json", until: 1, leaves: /^config\.json.*partial$/m },
    { at: "line half written", pass: 2, until: 2 },
    { at: "file opened", file: checkpoint, until: 2, leaves: half },
    { at: "file half written", file: checkpoint, until: 2, leaves: half },
    { at: "file written", file: checkpoint, until: 2, leaves: half },
    { at: "file flushed", file: checkpoint, until: 2, leaves: half },
    { at: "file renamed", file: checkpoint, until: 2, leaves: /^checkpoint-\d+\.safetensors$/m },
    { at: "file half written", file: "/status.json", until: 3, leaves: /^status\.json.*partial$/m },
    { at: "monitor begun", until: monitorEvery },
    { at: "monitor recorded", until: monitorEvery },
    { at: "best linked", until: monitorEvery, leaves: /^best\.safetensors\.\d+\.partial$/m },
    { at: "best renamed", until: monitorEvery + 1, leaves: /^best\.safetensors$/m },
    { at: "file half written", file: "/snapshot-", until: 6, leaves: /^snapshot-0+5.*partial$/m },
    { at: "old checkpoint removed", until: 7 },
    { at: "file half written", file: "/environment.json", until: 8 },
    { at: "event half written", until: 9 },
    { at: "step begun", pass: 2, until: 11 },
    { at: "line written", pass: 2, until: 13 },
    { at: "table written", until: 14, leaves: /^metrics\.parquet\.\d+\.partial$/m },
  ],
  deepcluster: [
    { at: "epoch prepared", until: 2 }, // step 0: the memory is filled and clustered, nothing saved
    { at: "step begun", pass: 2, until: 2 },
    { at: "file half written", file: checkpoint, until: 3, leaves: half },
    { at: "epoch begun", until: 9 }, // between the first epoch's last step and the second's first
    { at: "epoch prepared", until: 10 },
    { at: "step begun", until: 11 },
    { at: "line half written", pass: 4, until: 13 },
    { at: "epoch prepared", until: 18 },
  ],
  supervised: [
    { at: "step begun", pass: 2, until: 2 },
    { at: "file half written", file: checkpoint, until: 2, leaves: half },
    { at: "line half written", pass: 2, until: 3 },
    { at: "monitor recorded", until: monitorEvery },
    { at: "best linked", until: monitorEvery, leaves: /^best\.safetensors\.\d+\.partial$/m },
  ],
};

const byDino: KilledRun = {
  config: "bcSslStart",
  file: "notebook_runs.ts",
  recipe: {
    model: fewChannels,
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
    freezeLastLayerShare: 0.3,
  },
};

const trained: Readonly<Record<Kind, KilledRun>> = {
  pretrain: byDino,
  deepcluster: {
    config: "deepClusterStart",
    file: "method_runs.ts",
    recipe: { model: fewChannels, head: { hiddenDim: 16, outDim: 8, prototypes: [8, 6, 4] } },
  },
  supervised: { ...byDino, verb: "supervised" },
};

for (const kind of ["pretrain", "deepcluster", "supervised"] as const) {
  Deno.test(
    `killed at ${kills[kind].length} named places, ${kind} has the bits of an undisturbed run`,
    () => killAndCompare(trained[kind], kills[kind]),
  );
}
