import {
  ablateDetectors,
  type DetectorArm,
  detectorArmConfig,
} from "lib/experiments/detect/detector_arms.ts";
import { detectorId, originRun } from "lib/experiments/detect/detector_config.ts";
import { paperDetectors, sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import { evaluateDetector } from "lib/experiments/detect/evaluate_detector.ts";
import { assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { noting } from "lib/testing/runs/watch.ts";
import * as tf from "lib/tf.ts";

const arms: readonly DetectorArm[] = [
  { kernelSize: 3, pretrained: true },
  { kernelSize: 3, pretrained: false },
];
const options = { scale: "smoke", seeds: [0] } as const;

Deno.test("ablateDetectors() pre-trains what is not there, fine-tunes every arm, then loads; fresh leaves pre-trainings", () =>
  inTempFolder(async (folder) => {
    Deno.env.set("BCSSL_OUTPUTS", folder);
    Deno.env.set("BCSSL_SHIPPED", "none");
    try {
      const tensors = tf.memory().numTensors;
      const titles: string[] = [];
      const results = await ablateDetectors(arms, { ...options, watch: noting(titles) });
      const whole = "detectors: 2 arms, 1 seed";
      const [pretraining, trained, scratch] = [
        "BC-SSL, 3×3, pre-training, seed 0",
        "BC-SSL, 3×3, seed 0",
        "BC-SSL, 3×3, from scratch, seed 0",
      ];
      assertEquals(titles, [whole, pretraining, trained, scratch]);
      const again: string[] = [];
      assertEquals(await ablateDetectors(arms, { ...options, watch: noting(again) }), results);
      assertEquals(again, [whole]);
      const fresh = { ...options, fresh: true, watch: noting(again) };
      assertEquals(await ablateDetectors(arms.slice(0, 1), fresh), results.slice(0, 1));
      assertEquals(again.slice(1), ["detectors: 1 arm, 1 seed", trained]);
      assertEquals(tf.memory().numTensors, tensors);

      const key = { scale: "smoke", seed: 0 } as const;
      for (const [i, { name, paper, runs, ...result }] of results.entries()) {
        const config = detectorArmConfig(arms[i]!, options);
        assertEquals(name, ["BC-SSL, 3×3", "BC-SSL, 3×3, from scratch"][i]);
        assertEquals(
          [paper?.boxAp, paper?.maskAp75],
          i === 0 ? [0.45, 0.436] : [undefined, undefined],
        );
        assertEquals(runs, [detectorId({ config, ...key })]);
        const { box, mask } = await evaluateDetector(config, key);
        assertEquals([result.boxAp, result.boxAp50], [[box.metrics.ap], [box.metrics.ap50]]);
        assertEquals([result.maskAp, result.maskAp75], [[mask.metrics.ap], [mask.metrics.ap75]]);
      }
    } finally {
      Deno.env.delete("BCSSL_OUTPUTS");
    }
  }));

Deno.test("detectorArmConfig() starts from a run at its own scale, scratch from that run's first weights; at paper it is Table 4's", () => {
  const key = { scale: "smoke", seed: 4 } as const;
  const origins = arms.map((arm) =>
    originRun({ config: detectorArmConfig(arm, options), ...key })!
  );
  assertEquals(origins.map(({ of }) => of), ["teacher", "init"]);
  assertEquals(origins.map(({ key: { scale, seed } }) => [scale, seed]), [["smoke", 4], [
    "smoke",
    4,
  ]]);
  const nine = { kernelSize: 9, pretrained: true };
  const idOf = (config: typeof sceneDetectors[number], scale: "laptop" | "paper") =>
    detectorId({ config, scale, seed: 2 });
  assertEquals(
    idOf(detectorArmConfig(nine, { scale: "laptop" }), "laptop"),
    idOf(sceneDetectors.at(-1)!, "laptop"),
  );
  const printed = paperDetectors.find(({ name }) => name === "coco_bcssl_t_k9_100ep_3x")!;
  assertEquals(
    idOf(detectorArmConfig(nine, { scale: "paper" }), "paper"),
    idOf(printed, "paper"),
  );
  const eleven = { kernelSize: 11, pretrained: true };
  assertThrows(() => detectorArmConfig(eleven, { scale: "paper" }), RangeError, "3, 5, 7, 9");
});

Deno.test("ablateDetectors() refuses nothing to compare", async () => {
  await assertRejects(() => ablateDetectors([], options), RangeError, "current are 0 and 1");
  await assertRejects(
    () => ablateDetectors(arms, { ...options, seeds: [] }),
    RangeError,
    "2 and 0",
  );
});
