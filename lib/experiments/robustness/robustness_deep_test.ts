import { corruptedImages, meanErrors, seriesForSide, shiftedAccuracy } from "lib/robustness/mod.ts";
import { camLayerAt } from "lib/explain/mod.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import { armCams, camSubjects } from "lib/experiments/explain/arm_cams.ts";
import { type Arm, armConfig } from "lib/experiments/configs/arms.ts";
import { scoreCams } from "lib/experiments/explain/cams.ts";
import { loadData } from "lib/experiments/configs/data.ts";
import { fieldShares, trainedFields } from "lib/experiments/explain/trained_fields.ts";
import { robustness } from "lib/experiments/robustness/robustness.ts";
import { openProbe } from "lib/experiments/robustness/shifted_scores.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const arms: readonly Arm[] = [
  { arch: "convnext", kernelSize: 3, batchNorm: true },
  { arch: "resnet" },
];
const options = { scale: "smoke", seeds: [0, 1] } as const;

/** Runs a test with `outputs/` in a temporary folder. */
async function inOutputs(run: () => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  Deno.env.set("BCSSL_OUTPUTS", folder);
  Deno.env.set("BCSSL_SHIPPED", "none");
  try {
    await run();
  } finally {
    Deno.env.delete("BCSSL_SAVED");
    Deno.env.delete("BCSSL_OUTPUTS");
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A `watch` that stops what begins with a title after one step. */
function stoppingAt(title: string) {
  return <R>(own: string, run: (hooks: TrainHooks) => Promise<R>) => {
    const stop = new AbortController();
    if (!own.startsWith(title)) return run({});
    return run({ signal: stop.signal, onEvent: () => stop.abort() });
  };
}

Deno.test("robustness() and armCams() measure each run once, go on after an interrupt, and load without computing", () =>
  inOutputs(async () => {
    const stopped = () => robustness(arms, { ...options, watch: stoppingAt("robustness") });
    await assertRejects(stopped, Error, "Stopped the robustness of emoji_");
    const results = await robustness(arms, options);
    const [ours, resNet] = results;

    assertClose((resNet!.corruption[0]! + resNet!.corruption[1]!) / 2, 1); // it is its own baseline
    // it chose the images
    assertEquals([resNet!.adversarial, resNet!.baseline], [[0, 0], "ResNet"]);
    assertEquals([ours!.printed!.corruption, resNet!.printed!.kernelSize], [0.6182, 3]);
    const { fog } = meanErrors(ours!.scores[1]!.errors);
    const config = armConfig(arms[0]!, options);
    const key = { config, scale: "smoke", seed: 1 } as const;
    const { test } = await loadData(config.data, config.scales.smoke);
    using probe = await openProbe(key);
    const series = seriesForSide(config.scales.smoke.imageSize);
    const foggy = ([1, 2, 3, 4, 5] as const).map((severity) =>
      corruptedImages(test, { name: "fog", severity, series })
    );
    const { all } = await shiftedAccuracy(await Promise.all(foggy), probe.classify);
    assertClose(fog!, 1 - all, 1e-6);
    const { clean, sketch, rendition } = ours!.scores[1]!;
    assertEquals([clean.images, sketch.images, rendition.images], [16, 16, 16]);
    assertClose(clean.all, ours!.linear[1]!, 1e-6); // the probe itself

    const cams = await armCams(arms, options);
    const fields = await trainedFields(arms.slice(0, 1), options);
    assertEquals([cams[0]!.rows.length, fields.length], [4, 1]);
    const { before, after, trainedOn, measuredOn } = fields[0]!;
    assertEquals([trainedOn, after.sides.length], [test.width, fieldShares.length]);
    for (const { map, sides } of [before, after]) {
      assertClose(map.values.reduce((sum, value) => sum + value, 0), 1, 1e-3);
      for (const seed of [0, 1]) {
        const own = sides.map((bySeed) => bySeed[seed]!);
        assertEquals(own, own.toSorted((a, b) => a - b)); // a larger share needs a larger square
        assertTrue(own[0]! < own.at(-1)! && own.at(-1)! <= measuredOn, `${own}`);
      }
    }
    assertTrue(String(before.map.values) !== String(after.map.values), "training changes it");
    const subject = camSubjects(arms, { scale: "smoke", seed: 1 })[0]!;
    const rows = await scoreCams([subject], test);
    assertEquals(cams[0]!.rows[2]!.layers, rows[0]!.layers);
    const deep = await armCams(arms.slice(0, 1), { ...options, seeds: [1], layer: "deep" });
    assertEquals(deep[0]!.rows[0]!.layers, [
      camLayerAt(config.recipe.model, test.height, "deep"),
    ]);
    assertClose(cams[0]!.rows[2]!.scores.iou.mean, rows[0]!.scores.iou.mean, 1e-6);

    Deno.env.set("BCSSL_SAVED", "only");
    assertEquals(await robustness(arms, options), results);
    assertEquals(await armCams(arms, options), cams);
    assertEquals(await trainedFields(arms.slice(0, 1), options), fields);
  }));
