import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import { readRunsArguments } from "./runs_arguments.ts";

const list = { command: "list", filter: {}, sort: "age", json: false };

Deno.test("readRunsArguments() lists runs by default, with filters and an order", () => {
  assertEquals(readRunsArguments([]), list);
  assertEquals(readRunsArguments(["list", "--json", "--sort", "loss"]), {
    ...list,
    sort: "loss",
    json: true,
  });
  const filters = ["--config", "a*", "--config=b", "--state", "training", "--scale", "paper"];
  assertEquals(readRunsArguments([...filters, "--seed", "0", "--seed", "3"]), {
    ...list,
    filter: { configs: ["a*", "b"], state: "training", scale: "paper", seeds: [0, 3] },
  });
  const best = readRunsArguments(["--best", "5"]);
  assertEquals(best, { ...list, best: { count: 5, metric: "knn20Top1" } });
  const byLoss = readRunsArguments(["--best", "1", "--metric", "loss"]);
  assertEquals(byLoss, { ...list, best: { count: 1, metric: "loss" } });
});

Deno.test("readRunsArguments() knows the other commands, and help", () => {
  assertEquals(readRunsArguments(["show", "a"]), { command: "show", run: "a" });
  assertEquals(readRunsArguments(["diff", "a", "b"]), { command: "diff", runs: ["a", "b"] });
  const deletion = { command: "delete", runs: ["a", "b*"], yes: true };
  assertEquals(readRunsArguments(["delete", "a", "b*", "--yes"]), deletion);
  assertEquals(readRunsArguments(["--web"]), { command: "web", port: 0 });
  assertEquals(readRunsArguments(["web", "--port", "8000"]), { command: "web", port: 8000 });
  assertEquals(readRunsArguments(["delete", "--help"]), undefined);
});

Deno.test("readRunsArguments() refuses what it does not understand, in a line", () => {
  const refused = (args: string, reason: string) =>
    assertThrows(() => readRunsArguments(args.split(" ")), RangeError, reason);
  refused("--fast", "see deno task runs --help");
  refused("remove a", "there is no command remove");
  refused("toString", "there is no command toString");
  refused("diff a", "diff takes 2 runs, not 1");
  refused("show a b", "show takes one run, not 2");
  refused("delete", "delete takes one run or more, not 0");
  refused("list a", "list takes no runs, not 1");
  refused("--web a", "web takes no runs, not 1");
  refused("list --yes", "--yes does not go with list");
  refused("show a --json", "--json does not go with show");
  refused("--state done", "--state is done, but must be one of training, finished, stopped");
  refused("--sort size", "--sort is size");
  refused("--seed 1.5", "--seed is 1.5");
  refused("--best 0", "--best is 0, but must be a whole number of at least 1");
  refused("--metric loss", "--metric goes with --best N only");
  refused("--best 2 --sort id", "--sort does not go with --best");
  refused("web --port 70000", "and at most 65535");
});
