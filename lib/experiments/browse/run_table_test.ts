import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import type { RunSummary } from "./run_summary.ts";
import { ageInWords, diffTable, runTable } from "./run_table.ts";

const now = new Date("2026-11-02T00:00:00.000Z");
const run: RunSummary = {
  id: "bcssl_k9-12345678",
  config: "bcssl_k9",
  method: "dino",
  seed: 10,
  scale: "laptop",
  step: 1040,
  totalSteps: 2080,
  state: "training",
  loss: 3.38249,
  last: { metric: "knn20Top1", value: 0.2291, step: 1040 },
  best: { metric: "knn20Top1", value: 0.23, step: 832 },
  alarms: ["alarmCollapse"],
  date: "2026-11-01T23:55:00.000Z",
  origin: "here",
};
const { loss: _loss, totalSteps: _total, ...bare } = run;
const boxes: RunSummary = {
  ...bare,
  id: "boxes-1",
  config: "boxes",
  method: "detector",
  step: 0,
  state: "finished",
  alarms: [],
  last: { metric: "boxAp", value: 0.123, step: 0 },
};

Deno.test("runTable() has a line for each run, in columns, and counts them", () => {
  assertEquals(runTable([run, boxes], { now }).split("\n"), [
    "run                config    method    seed  scale         steps  state        loss  k-NN last  best    age  origin",
    "bcssl_k9-12345678  bcssl_k9  dino        10  laptop  1,040/2,080  training !  3.382       22.9  23.0  5 min  here",
    "boxes-1            boxes     detector    10  laptop          0/?  finished        –    AP 12.3  23.0  5 min  here",
    "2 runs: 1 training, 1 finished; ! has raised an alarm: deno task runs show names it",
  ]);
  assertEquals(runTable([], { now }).split("\n").at(-1), "0 runs");
});

Deno.test("runTable() leaves out the configs, whose names begin the ids, where it is too wide", () => {
  const { length } = runTable([run], { now }).split("\n")[1]!;
  const [wide, narrow] = [length + 2, length - 1].map((width) => runTable([run], { now, width }));
  assertTrue(wide!.includes("config"), wide!);
  assertTrue(!narrow!.includes("config"), narrow!);
});

Deno.test("ageInWords() has one unit", () => {
  const age = (seconds: number) =>
    ageInWords(new Date(now.getTime() - 1000 * seconds).toISOString(), now);
  assertEquals([0, 89, 90, 3600, 5400, 86_400, 129_600].map(age), [
    ...["0 s", "89 s", "2 min", "60 min", "2 h", "24 h", "2 d"],
  ]);
  assertEquals(ageInWords("", now), "–");
  assertEquals(age(-5), "0 s"); // another machine's clock
});

Deno.test("diffTable() has only what differs, and says so if nothing does", () => {
  const rows = [
    { path: "seed", values: ["0", "0"], differs: false },
    { path: "recipe.lr", values: ["0.1", undefined], differs: true },
  ];
  assertEquals(diffTable(["a-1", "b-1"], rows), "           a-1  b-1\nrecipe.lr  0.1  –");
  assertEquals(diffTable(["a", "b"], rows.slice(0, 1)), "The configs of a and b are the same");
});
