/** Tests exact resume at the fault points that `resume_slow_test.ts` leaves out. */
import {
  byDino,
  checkpoint,
  half,
  type Kill,
  killAndCompare,
  monitorEvery,
} from "lib/testing/killed_runs.ts";

const kills: readonly Kill[] = [
  { at: "lock taken", until: 1, leaves: /^lock$/ },
  { at: "file half written", file: "/config.json", until: 1, leaves: /^config\.json.*partial$/m },
  { at: "file opened", file: checkpoint, until: 2, leaves: half },
  { at: "file written", file: checkpoint, until: 2, leaves: half },
  { at: "file flushed", file: checkpoint, until: 2, leaves: half },
  { at: "monitor recorded", until: monitorEvery },
  { at: "best renamed", until: monitorEvery + 1, leaves: /^best\.safetensors$/m },
  { at: "file half written", file: "/snapshot-", until: 6, leaves: /^snapshot-0+5.*partial$/m },
  { at: "file half written", file: "/environment.json", until: 8 },
  { at: "event half written", until: 9 },
  { at: "line written", pass: 2, until: 13 },
  { at: "table written", until: 14, leaves: /^metrics\.parquet\.\d+\.partial$/m },
];

Deno.test(
  `killed at ${kills.length} named places, a run has the bits of an undisturbed one`,
  () => killAndCompare(byDino, kills),
);
