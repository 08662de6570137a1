/** A detector learns boxes and masks: it memorises a few scenes in less than a minute. */
import type { DetectorConfig } from "lib/experiments/detect/detector_config.ts";
import { sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import { finetuneDetector } from "lib/experiments/detect/finetune_detector.ts";
import { assertTrue } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { writeSquareScenes } from "lib/testing/square_scenes.ts";

const sceneDetector = sceneDetectors.at(-1)!;

Deno.test("finetuneDetector() finds again what it was shown: AP50 of boxes and masks above a half", () =>
  inTempFolder(async (folder) => {
    await writeSquareScenes(folder, "few", { count: 6, height: 64, width: 80 });
    Deno.env.set("BCSSL_OUTPUTS", folder);
    Deno.env.set("BCSSL_SHIPPED", "none");
    const config: DetectorConfig = {
      ...sceneDetector,
      name: "by_heart",
      data: { kind: "coco", folder, train: "few", val: "few" },
      pretrained: null,
      recipe: { ...sceneDetector.recipe, warmupSteps: 20, lr: 0.004 },
      scales: {
        ...sceneDetector.scales,
        smoke: {
          imageSize: 64,
          trainCount: 6,
          valCount: 6,
          batchSize: 3,
          epochs: 30,
          monitorEvery: 60,
        },
      },
    };
    try {
      const { history } = await finetuneDetector(config, { scale: "smoke", seed: 0 });
      const { boxAp50, maskAp50 } = history.at(-1)!.metrics;
      console.log("ZZ", boxAp50, maskAp50);
      const mean = (from: number, to: number) =>
        history.slice(from, to).reduce((sum, { metrics }) => sum + metrics.loss!, 0) / (to - from);
      const [first, last] = [mean(0, 5), mean(history.length - 5, history.length)];
      assertTrue(last < 0.5 * first, `the loss went from ${first} to ${last}`);
      assertTrue(boxAp50! > 0.5, `AP50 of boxes is ${boxAp50}`);
      assertTrue(maskAp50! > 0.5, `AP50 of masks is ${maskAp50}`);
    } finally {
      Deno.env.delete("BCSSL_OUTPUTS");
    }
  }));
