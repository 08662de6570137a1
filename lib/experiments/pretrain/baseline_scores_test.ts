import { baselineScores } from "./baseline_scores.ts";
import { scoreRates } from "lib/experiments/measure/chosen_probe.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { override, runId } from "lib/experiments/configs/config.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { twinId } from "lib/experiments/subjects/supervised_twin.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

const small = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
  scales: { smoke: { epochs: 1, monitorEvery: 8 } },
});
const options = { scale: "smoke", seeds: [0, 1], epochs: 3 } as const;

Deno.test("baselineScores() trains and scores what is missing, tells of each part, and then loads", () =>
  inOutputs(async () => {
    const stop = new AbortController();
    const onEvent = ({ step }: { step: number }) => step === 3 ? stop.abort() : undefined;
    const stopped = { ...options, signal: stop.signal, onEvent };
    await assertRejects(() => baselineScores(small, stopped), Error, "Stopped");

    const parts: string[] = [];
    const result = await baselineScores(small, {
      ...options,
      onEvent: ({ step, totalSteps }) => void parts.push(`${step}/${totalSteps}`),
    });
    // 2 seeds of 2 runs, and 4 kinds of features by 2 measures
    assertEquals([parts.length, parts.at(-1)], [20, "20/20"]);
    const kinds = result.scores.map(({ features }) => features);
    assertEquals(kinds, ["raw pixels", "random weights", "DINO", "supervised"]);
    const [pixels, init, dino, told] = result.scores;
    assertEquals(result.scores.map((s) => [s.knn.length, s.linear.length]), [
      [1, 2],
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    const keys = [0, 1].map((seed) => ({ config: small, scale: "smoke", seed } as const));
    for (const { runs } of [pixels!, init!, dino!]) assertEquals(runs, keys.map(runId));
    assertEquals(told!.runs, keys.map(twinId));

    const one = { scale: "smoke", seed: 1 } as const;
    const { accuracies } = await knn(small, one);
    assertEquals(dino!.knn[1], accuracies.find(({ k }) => k === 20)!.top1);
    const how = { ...one, of: "supervised", epochs: 3, lrs: scoreRates } as const;
    const chosen = (await linearProbe(small, how)).courses.find(({ lr }) => lr === told!.rates[1]);
    assertEquals(told!.linear[1], chosen!.last.top1);
    const trial = await linearProbe(small, { ...how, holdOut: 0.1 });
    const best = Math.max(...trial.courses.map(({ last }) => last.top1));
    assertEquals(trial.courses.find(({ lr }) => lr === told!.rates[1])!.last.top1, best);

    const signal = AbortSignal.abort(); // stops whatever still computes
    assertEquals(await baselineScores(small, { ...options, signal }), result);
    await assertRejects(() => baselineScores(small, { ...options, k: 7 }), RangeError, "k = 7");
  }));
