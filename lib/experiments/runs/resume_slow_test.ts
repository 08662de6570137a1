/**
 * Tests exact resume: a run that is killed at every fault point ends with the same bits as one that
 * is not killed. `resume_methods_deep_test.ts` kills runs of the other methods and with labels.
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

const kills: readonly Kill[] = [
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
];

const byDino: KilledRun = {
  config: "bcSslStart",
  file: "notebook_runs.ts",
  recipe: {
    model: fewChannels,
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
    freezeLastLayerShare: 0.3,
  },
};

Deno.test(
  `killed at ${kills.length} named places, a run has the bits of an undisturbed one`,
  () => killAndCompare(byDino, kills),
);
