/** Evaluations whose features two processes compute: the results of one process, to the bit. */
import { assertEvaluatesAlike } from "lib/testing/distributed/evaluated_runs.ts";

Deno.test("k-NN and linear probe by two processes are those of one, in all of them", () =>
  assertEvaluatesAlike(2));
