/**
 * A run of two processes of which one is killed at a fault point. Both are killed at other points,
 * and stopped, in `together_deep_test.ts`.
 */
import { assertSurvives } from "lib/testing/distributed/disturbed_runs.ts";

Deno.test("a run of which one process is killed ends with the bits of an undisturbed one", () =>
  assertSurvives([{ rank: 1, at: "step begun", pass: 2 }]));
