import { ablate } from "./ablate.ts";
import { type Arm, armConfig } from "lib/experiments/configs/arms.ts";
import { changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import { runId } from "lib/experiments/configs/config.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { sharedOutputs } from "lib/testing/outputs.ts";
import { noting } from "lib/testing/runs/watch.ts";

const arms: readonly Arm[] = [{ arch: "resnet" }, { arch: "convnext", kernelSize: 3 }];
const options = { scale: "smoke", seeds: [0, 1] } as const;
/** The first test trains the runs; the others look at them. */
const inRuns = sharedOutputs();

Deno.test("ablate() trains every arm with every seed, then loads, and a changed arm alone takes time", () =>
  inRuns(async () => {
    const titles: string[] = [];
    const results = await ablate(arms, { ...options, watch: noting(titles) });
    assertEquals(titles, [
      "2 networks, 2 seeds",
      "ResNet, seed 0",
      "ConvNeXt, 3×3, seed 0",
      "ResNet, seed 1",
      "ConvNeXt, 3×3, seed 1",
    ]);
    const again: string[] = [];
    assertEquals(await ablate(arms, { ...options, watch: noting(again) }), results);
    assertEquals(again, ["2 networks, 2 seeds"]);

    const changed = [{ ...arms[1]!, batchNorm: true }, arms[0]!];
    const third = await ablate(changed, { ...options, seeds: [1], watch: noting(again) });
    assertEquals(again.slice(1), ["2 networks, 1 seed", "BC-SSL, 3×3, seed 1"]);
    assertEquals(third[1]!.knn, results[0]!.knn.slice(1));
  }));

Deno.test("ablate() gives the k-NN and the chosen probe of each run's last teacher, and its best k-NN apart", () =>
  inRuns(async () => {
    const [, result] = await ablate(arms, options);
    const { name, family, paper, data, monitor, bestKnn, bestEpoch } = result!;
    assertEquals([name, family, data], ["ConvNeXt, 3×3", "ConvNeXt", "emoji"]);
    assertClose([paper.knn!, paper.linear!], [0.6798, 0.7327]);
    const config = armConfig(arms[1]!, options);
    for (const [s, seed] of options.seeds.entries()) {
      const key = { scale: "smoke", seed } as const;
      assertEquals(result!.runs[s], runId({ config, ...key }));
      const { accuracies } = await knn(config, key);
      assertEquals(result!.knn[s], accuracies.find(({ k }) => k === 20)!.top1);
      const probe = await chosenProbe(config, { ...key, of: "teacher" });
      assertEquals(result!.linear[s], probe.top1);
      const course = monitor.map(({ values }) => values[s]!);
      assertEquals([course.at(-1), Math.max(...course)], [result!.knn[s], bestKnn[s]]);
      assertEquals(monitor.find(({ values }) => values[s] === bestKnn[s])!.epoch, bestEpoch[s]);
    }
    assertEquals(monitor.map(({ epoch }) => epoch), [0.5, 1]);
  }));

Deno.test("ablate() trains other runs in another setting, and the same ones without a change", () =>
  inRuns(async () => {
    const arm = arms[1]!;
    const one = { scale: "smoke", seeds: [0] } as const;
    const [before] = await ablate([arm], one);
    assertEquals("change" in before!, false);
    const change = {
      data: { background: "textured" },
      scales: { smoke: { imageSize: 96, epochs: 2 } },
    } as const;
    const titles: string[] = [];
    const [changed] = await ablate([arm], { ...one, change, watch: noting(titles) });
    assertEquals(titles, ["1 network, 1 seed", "ConvNeXt, 3×3, seed 0"]);
    const config = changedArmConfig(arm, { scale: "smoke", change });
    assertEquals(changed!.runs, [runId({ config, scale: "smoke", seed: 0 })]);
    assertTrue(changed!.runs[0] !== before!.runs[0], "another run");
    assertEquals([changed!.name, changed!.data, changed!.change], [
      "ConvNeXt, 3×3",
      "emoji",
      change,
    ]);
    assertEquals(changed!.monitor.at(-1)!.epoch, 2); // of the changed number of epochs
    const [after] = await ablate([arm], { ...one, change: undefined });
    assertEquals(after, before);
  }));

Deno.test("ablate() refuses nothing to compare, and a k that the monitor does not measure", () =>
  inRuns(async () => {
    await assertRejects(() => ablate([], options), RangeError, "current are 0 and 2");
    await assertRejects(() => ablate(arms, { ...options, seeds: [] }), RangeError, "2 and 0");
    const one = { scale: "smoke", seeds: [0], k: 7 } as const;
    await assertRejects(() => ablate(arms.slice(0, 1), one), RangeError, "at k = 7: use 10,20");
    const change = { recipe: { model: { kernelSize: 5 } } } as const;
    await assertRejects(() => ablate(arms, { ...options, change }), RangeError, "tells arms apart");
  }));
