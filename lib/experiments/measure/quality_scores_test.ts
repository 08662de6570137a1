import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { byolStart } from "lib/experiments/configs/method_runs.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import { featureQuality } from "lib/experiments/measure/feature_quality.ts";
import { qualityScores } from "lib/experiments/measure/quality_scores.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";

const model = { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] };
const scales = { smoke: { epochs: 1, monitorEvery: 8 } };
const configs = [
  { name: "DINO", config: override(bcSslStart, { name: "a", recipe: { model }, scales }) },
  { name: "BYOL", config: override(byolStart, { name: "b", recipe: { model }, scales }) },
];
const options = { scale: "smoke", seeds: [0, 1] } as const;

Deno.test("qualityScores() joins the quality and the probe of every run, and then loads", () =>
  inOutputs(async () => {
    await assertRejects(() => qualityScores(configs, options), Error, "call pretrain()");
    for (const { config } of configs) {
      for (const seed of options.seeds) await pretrain(config, { scale: "smoke", seed });
    }
    const parts: string[] = [];
    const onEvent = ({ step, totalSteps }: { step: number; totalSteps: number }) =>
      void parts.push(`${step}/${totalSteps}`);
    const scores = await qualityScores(configs, { ...options, onEvent });
    assertEquals(parts, ["1/4", "2/4", "3/4", "4/4"]);
    const names = scores.map(({ name, seed }) => `${name} ${seed}`);
    assertEquals(names, ["DINO 0", "DINO 1", "BYOL 0", "BYOL 1"]);

    const key = { scale: "smoke", seed: 1 } as const;
    const { config } = configs[1]!;
    const { top1: linear } = await chosenProbe(config, { ...key, of: "teacher" });
    assertEquals(scores[3], { name: "BYOL", ...await featureQuality(config, key), linear });
    const signal = AbortSignal.abort(); // stops whatever still computes
    assertEquals(await qualityScores(configs, { ...options, signal }), scores);
  }));
