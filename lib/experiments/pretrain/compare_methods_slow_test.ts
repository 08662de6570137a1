import type { Arm } from "lib/experiments/configs/arms.ts";
import { runId } from "lib/experiments/configs/config.ts";
import { methodConfig, type MethodName } from "lib/experiments/configs/method_arms.ts";
import { featureQuality } from "lib/experiments/measure/feature_quality.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { sharedOutputs } from "lib/testing/outputs.ts";
import { noting } from "lib/testing/runs/watch.ts";
import { ablate } from "./ablate.ts";
import { compareMethods } from "./compare_methods.ts";

const bcSsl: Arm = { arch: "convnext", kernelSize: 3, batchNorm: true };
const methods: readonly MethodName[] = ["dino", "byol"];
const options = { scale: "smoke", seeds: [0, 1] } as const;
/** The first test trains the runs; the second loads them. */
const inRuns = sharedOutputs();

Deno.test("compareMethods() trains every network by every method, then loads; DINO's results are those of ablate()", () =>
  inRuns(async () => {
    const titles: string[] = [];
    const results = await compareMethods(methods, [bcSsl], { ...options, watch: noting(titles) });
    assertEquals(titles, [
      "2 methods, 1 network, 2 seeds",
      "DINO: BC-SSL, 3×3, seed 0",
      "BYOL: BC-SSL, 3×3, seed 0",
      "DINO: BC-SSL, 3×3, seed 1",
      "BYOL: BC-SSL, 3×3, seed 1",
    ]);
    const again: string[] = [];
    const loaded = await compareMethods(methods, [bcSsl], { ...options, watch: noting(again) });
    assertEquals([loaded, again], [results, titles.slice(0, 1)]);
    const [arm] = await ablate([bcSsl], { ...options, geometry: "coarse", watch: noting(again) });
    assertEquals(again.slice(1), ["1 network, 2 seeds"]);
    const [dino] = results;
    for (const field of ["name", "knn", "bestKnn", "linear", "runs", "data"] as const) {
      assertEquals(dino![field], arm![field]);
    }
  }));

Deno.test("compareMethods() tells the run, the method, and the quality without labels of every seed", () =>
  inRuns(async () => {
    const [, byol] = await compareMethods(methods, [bcSsl], options);
    assertEquals([byol!.method, byol!.title, byol!.name], ["byol", "BYOL", "BC-SSL, 3×3"]);
    const config = methodConfig("byol", bcSsl, options);
    for (const [s, seed] of options.seeds.entries()) {
      const key = { scale: "smoke", seed } as const;
      assertEquals(byol!.runs[s], runId({ config, ...key }));
      const { rankMe, alphaReQ } = await featureQuality(config, key);
      assertEquals([byol!.rankMe[s], byol!.alphaReQ[s]], [rankMe, alphaReQ]);
    }
  }));

Deno.test("compareMethods() refuses nothing to compare, and iGPT, before it trains", () =>
  inRuns(async () => {
    await assertRejects(() => compareMethods([], [bcSsl], options), RangeError, "are 0 and 2");
    const names: MethodName[] = ["dino", "igpt" as MethodName];
    await assertRejects(() => compareMethods(names, [bcSsl], options), RangeError, "by igpt");
  }));
