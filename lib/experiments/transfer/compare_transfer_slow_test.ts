import { armConfig } from "lib/experiments/configs/arms.ts";
import { runId } from "lib/experiments/configs/config.ts";
import { compareTransfer } from "./compare_transfer.ts";
import { labelCurve } from "./label_curve.ts";
import { transfer } from "./transfer.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { sharedOutputs } from "lib/testing/outputs.ts";
import { noting } from "lib/testing/runs/watch.ts";

const inOutputs = sharedOutputs();
const arms = [3, 9].map((kernelSize) =>
  ({ arch: "convnext", kernelSize, batchNorm: true }) as const
);
const options = { scale: "smoke", seeds: [0, 1], geometry: "coarse" } as const;
const config = (i: number) => armConfig(arms[i]!, { scale: "smoke", geometry: "coarse" });

Deno.test("compareTransfer() has the scores of transfer() for every arm, set and seed, and then loads", () =>
  inOutputs(async () => {
    const compare = (watch?: Parameters<typeof compareTransfer>[1]["watch"]) =>
      compareTransfer(arms, {
        ...{ ...options, sets: ["digits", "contents"], protocol: "knn", watch },
      });
    const titles: string[] = [];
    const results = await compare(noting(titles));
    assertEquals(titles, [
      "2 networks, 2 seeds, 2 sets",
      ...["BC-SSL, 3×3, seed 0", "BC-SSL, 9×9, seed 0"],
      ...["BC-SSL, 3×3, seed 1", "BC-SSL, 9×9, seed 1"],
    ]);
    assertEquals(results.map(({ name, family }) => [name, family]), [
      ["BC-SSL, 3×3", "BC-SSL"],
      ["BC-SSL, 9×9", "BC-SSL"],
    ]);
    const nine = results[1]!;
    const key = (seed: number) => ({ scale: "smoke", seed }) as const;
    assertEquals(nine.runs, [0, 1].map((seed) => runId({ config: config(1), ...key(seed) })));
    assertEquals(nine.scores.map(({ title, metric }) => [title, metric]), [
      ["Digits", "accuracy"],
      ["Contents", "map11"],
    ]);
    for (const seed of [0, 1]) {
      const how = { ...key(seed), protocol: "knn" } as const;
      assertEquals(nine.scores[1]!.values[seed], (await transfer(config(1), "contents", how)).mean);
    }
    assertEquals(await compare((_, run) => run({ signal: AbortSignal.abort() })), results);
    await assertRejects(
      () => compareTransfer(arms, { ...options, sets: [] }),
      RangeError,
      "current are 2 networks, 2 seeds, 0 sets",
    );
    await assertRejects(
      () => compareTransfer(arms, { ...options, sets: ["x" as "digits"] }),
      RangeError,
      'Cannot transfer to "x"',
    );
  }));

Deno.test("labelCurve() scores a network in three ways, with a draw for each seed", () =>
  inOutputs(async () => {
    const shots = [2, Infinity];
    const curve = await labelCurve(arms[0]!, { ...options, set: "digits", shots });
    assertEquals([curve.name, curve.title], ["BC-SSL, 3×3", "Digits"]);
    assertEquals(curve.points.map(({ way, shots, images }) => [way, shots, images]), [
      ...[["probe", 2, 20], ["probe", Infinity, 64], ["finetune", 2, 20]],
      ...[["finetune", Infinity, 64], ["scratch", 2, 20], ["scratch", Infinity, 64]],
    ]);
    const how = { scale: "smoke", seed: 1 } as const;
    const few = { ...how, shots: 2, draws: [1] };
    assertEquals(curve.points[0]!.values[1], (await transfer(config(0), "digits", few)).mean);
    const scratch = { ...how, protocol: "finetune", of: "init" } as const;
    assertEquals(curve.points[5]!.values[1], (await transfer(config(0), "digits", scratch)).mean);
    await assertRejects(
      () => labelCurve(arms[0]!, { ...options, set: "digits", shots: [] }),
      RangeError,
      "current are 2 and 0",
    );
  }));
