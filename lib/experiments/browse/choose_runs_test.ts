import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import { bestRuns, filterRuns, findRuns, type SortKey, sortRuns } from "./choose_runs.ts";
import type { RunSummary } from "./run_summary.ts";

function run(id: string, rest: Partial<RunSummary> = {}): RunSummary {
  return {
    id,
    config: id.replace(/-[^-]*$/, ""),
    method: "dino",
    seed: 0,
    scale: "laptop",
    step: 10,
    state: "finished",
    alarms: [],
    date: "2026-11-01T00:00:00.000Z",
    origin: "here",
    ...rest,
  };
}

const knn = (value: number) => ({ best: { metric: "knn20Top1", value, step: 1 } });
const runs = [
  run("start-1a", { seed: 1, loss: 2, ...knn(0.5) }),
  run("start-1b", { state: "training", loss: 3, date: "2026-11-03T00:00:00.000Z" }),
  run("bcssl_k9-2c", { scale: "smoke", loss: 1, step: 30, ...knn(0.7) }),
];
const ids = (list: readonly RunSummary[]) => list.map(({ id }) => id);

Deno.test("filterRuns() keeps the runs that pass every filter", () => {
  assertEquals(filterRuns(runs, {}), runs);
  assertEquals(ids(filterRuns(runs, { configs: ["bcssl_*", "other"] })), ["bcssl_k9-2c"]);
  assertEquals(ids(filterRuns(runs, { configs: ["star"] })), []); // a whole name, without *
  assertEquals(ids(filterRuns(runs, { state: "training" })), ["start-1b"]);
  assertEquals(ids(filterRuns(runs, { scale: "smoke" })), ["bcssl_k9-2c"]);
  assertEquals(ids(filterRuns(runs, { seeds: [1, 7] })), ["start-1a"]);
  assertEquals(ids(filterRuns(runs, { seeds: [0], scale: "laptop" })), ["start-1b"]);
});

Deno.test("sortRuns() puts the newest, highest scores and lowest losses first, gaps last", () => {
  const first = (key: SortKey) => ids(sortRuns(runs, key));
  assertEquals(first("age"), ["start-1b", "start-1a", "bcssl_k9-2c"]);
  assertEquals(first("best"), ["bcssl_k9-2c", "start-1a", "start-1b"]);
  assertEquals(first("loss"), ["bcssl_k9-2c", "start-1a", "start-1b"]);
  assertEquals(first("id"), ["bcssl_k9-2c", "start-1a", "start-1b"]);
  assertEquals(first("step")[0], "bcssl_k9-2c");
  assertEquals(first("seed").at(-1), "start-1a");
});

Deno.test("bestRuns() ranks by the metric's own direction, and leaves out runs without it", () => {
  const best = (metric: string, valueOf: (run: RunSummary) => number | undefined) =>
    ids(bestRuns(runs, { count: 2, metric, valueOf }));
  assertEquals(best("knn20Top1", ({ best }) => best?.value), ["bcssl_k9-2c", "start-1a"]);
  assertEquals(best("loss", ({ loss }) => loss), ["bcssl_k9-2c", "start-1a"]);
  assertThrows(() => best("teacherEntropy", () => 1), RangeError, "Cannot rank by teacherEntropy");
  assertThrows(() => best("rankMe", () => undefined), RangeError, "none of the 3 runs");
});

Deno.test("findRuns() takes ids, their beginnings and patterns, each run once", () => {
  const find = (...names: string[]) => ids(findRuns(runs, names));
  assertEquals(find("b"), ["bcssl_k9-2c"]);
  assertEquals(find("start-1b", "start*"), ["start-1b", "start-1a"]);
  assertThrows(() => find("start-1"), RangeError, "2 ids begin so, start-1a, start-1b; write more");
  assertThrows(() => find("strat-1a"), RangeError, "did you mean start-1a?");
  assertThrows(() => find("x*"), RangeError, 'Cannot find run "x*"');
  const longer = [...runs, run("start-1aa")];
  assertEquals(ids(findRuns(longer, ["start-1a"])), ["start-1a"]); // an exact id wins
});
