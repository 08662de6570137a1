/**
 * Tests exact resume: a run that is killed at fault points ends with the same bits as one that is
 * not killed. `resume_deep_test.ts` kills it at the others, `resume_methods_deep_test.ts` runs of
 * other methods and with labels.
 */
import {
  byDino,
  checkpoint,
  half,
  type Kill,
  killAndCompare,
  monitorEvery,
} from "lib/testing/killed_runs.ts";

const kills: readonly Kill[] = [
  { at: "line half written", pass: 2, until: 2 },
  { at: "file half written", file: checkpoint, until: 2, leaves: half },
  { at: "file renamed", file: checkpoint, until: 2, leaves: /^checkpoint-\d+\.safetensors$/m },
  { at: "file half written", file: "/status.json", until: 3, leaves: /^status\.json.*partial$/m },
  { at: "monitor begun", until: monitorEvery },
  { at: "best linked", until: monitorEvery, leaves: /^best\.safetensors\.\d+\.partial$/m },
  { at: "old checkpoint removed", until: 7 },
  { at: "step begun", pass: 2, until: 11 },
];

Deno.test(
  `killed at ${kills.length} named places, a run has the bits of an undisturbed one`,
  () => killAndCompare(byDino, kills),
);
