import type { MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import * as tf from "lib/tf.ts";
import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { detectIn } from "lib/experiments/detect/detect_in.ts";
import { openDetectionData } from "lib/experiments/detect/detection_data.ts";
import { type DetectorConfig, detectorId } from "lib/experiments/detect/detector_config.ts";
import { sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import { detectorLearner } from "lib/experiments/detect/detector_learner.ts";
import { evaluateDetector } from "lib/experiments/detect/evaluate_detector.ts";
import { finetuneDetector } from "lib/experiments/detect/finetune_detector.ts";
import { runs } from "lib/experiments/runs/registry.ts";
import { createModel } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { readSafetensors, writeSafetensors } from "lib/weights/safetensors.ts";
import { saveWeights } from "lib/weights/weights.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { writeSquareScenes } from "lib/testing/square_scenes.ts";
import { endsAt } from "lib/testing/runs/stopped_run.ts";

const options = { scale: "smoke", seed: 0 } as const;
const sceneDetector = sceneDetectors[0]!;
const backbone = { ...bcSslStart.recipe.model, depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] };
const { box, mask, rpn } = sceneDetector.model;

/** Ten steps of a tiny detector on squares. */
function small(folder: string): DetectorConfig {
  return {
    ...sceneDetector,
    name: "test",
    data: { kind: "coco", folder, train: "train", val: "val" },
    pretrained: null,
    model: {
      ...sceneDetector.model,
      backbone: backbone as MaskRcnnConfig["backbone"],
      fpnDim: 8,
      rpn: { ...rpn, samples: { ...rpn.samples, count: 16 } },
      box: { ...box, dim: 16, samples: { ...box.samples, count: 16 } },
      mask: { ...mask, dims: [8] },
    },
    recipe: {
      ...sceneDetector.recipe,
      warmupSteps: 2,
      augment: {
        ...sceneDetector.recipe.augment,
        crop: { probability: 0.5, shortSides: [1], sides: [0.6, 0.8] },
      },
    },
    scales: {
      ...sceneDetector.scales,
      smoke: {
        imageSize: 64,
        trainCount: 100,
        valCount: 100,
        batchSize: 2,
        epochs: 2,
        monitorEvery: 4,
      },
    },
  };
}

/** Runs a test with squares in a temporary folder, and `outputs/` in it. */
async function inOutputs(run: (config: DetectorConfig, folder: string) => Promise<void>) {
  await inTempFolder(async (folder) => {
    await writeSquareScenes(folder, "train", { count: 11, height: 64, width: 80 });
    await writeSquareScenes(folder, "val", { count: 4, height: 64, width: 80 });
    Deno.env.set("BCSSL_OUTPUTS", folder);
    Deno.env.set("BCSSL_SHIPPED", "none");
    try {
      await run(small(folder), folder);
    } finally {
      Deno.env.delete("BCSSL_OUTPUTS");
    }
  });
}

Deno.test("finetuneDetector() runs to its end and loads again; evaluateDetector() and detectIn() read it", () =>
  inOutputs(async (config) => {
    const before = tf.memory().numTensors;
    const trained = await finetuneDetector(config, options);
    assertTrue(trained.finished && trained.totalSteps >= 8, `${trained.step} steps`);
    const monitored = trained.history.filter(({ metrics }) => "boxAp" in metrics);
    assertEquals(monitored[0]!.step, 4);
    assertEquals(monitored.at(-1)!.step, trained.totalSteps);
    const { metrics } = trained.history[0]!;
    const parts = ["objectnessLoss", "rpnBoxLoss", "classifierLoss", "boxLoss", "maskLoss"];
    const sum = parts.reduce((total, name) => total + metrics[name]!, 0);
    assertTrue(Math.abs(sum - metrics.loss!) < 1e-4, `parts add up to ${sum}, not ${metrics.loss}`);

    let steps = 0;
    const onEvent = () => void steps++;
    assertEquals(await finetuneDetector(config, { ...options, onEvent }), trained);
    assertEquals(steps, 0);

    const scores = await evaluateDetector(config, options);
    assertEquals([scores.run, scores.version], [trained.run, `step ${trained.totalSteps}`]);
    assertEquals(scores.box.metrics.ap, monitored.at(-1)!.metrics.boxAp);
    assertEquals(scores.mask.metrics.ap50, monitored.at(-1)!.metrics.maskAp50);
    assertEquals([scores.images, scores.box.classes.length, scores.box.curves.length], [4, 3, 10]);
    assertEquals(await evaluateDetector(config, options), scores);
    const best = await evaluateDetector(config, { ...options, of: "best" });
    const highest = Math.max(...monitored.map(({ metrics }) => metrics.boxAp!));
    assertEquals(best.box.metrics.ap, highest);

    const picture = { data: new Uint8Array(50 * 90 * 3).fill(90), height: 50, width: 90 };
    const found = await detectIn(config, { ...picture, channels: 3 }, { ...options, minScore: 0 });
    for (const { mask, score, name } of found.objects) {
      assertEquals([mask.height, mask.width], [50, 90]);
      assertTrue(score > 0 && name.startsWith("square"), `${name} ${score}`);
    }
    assertEquals(runs().getColumn("name").toArray(), ["test"]);
    assertEquals(tf.memory().numTensors, before);
  }));

Deno.test("an interrupted finetuneDetector() goes on to the very numbers of an uninterrupted one", () =>
  inOutputs(async (config, folder) => {
    const straight = await finetuneDetector(config, options);
    const path = `${folder}/${straight.run}`;
    const last = () =>
      readSafetensors(`${path}/checkpoint-${String(straight.step).padStart(8, "0")}.safetensors`);
    const weights = last().metadata.crc32;
    Deno.removeSync(path, { recursive: true });
    const stop = new AbortController();
    const onEvent = ({ step }: { step: number }) => step === 3 ? stop.abort() : undefined;
    const first = await finetuneDetector(config, { ...options, onEvent, signal: stop.signal });
    assertTrue(endsAt(first, 3), `ended after step ${first.step}`);
    assertEquals((await finetuneDetector(config, { ...options, untilStep: 6 })).step, 6);
    assertEquals(await finetuneDetector(config, options), straight);
    assertEquals(last().metadata.crc32, weights);
  }));

Deno.test("a detector starts from a run's weights, from a file's, or from its own, by seed", () =>
  inOutputs(async (config, folder) => {
    const run = override(bcSslStart, { recipe: { model: backbone } });
    const data = await openDetectionData(config.data, config.scales.smoke, () => {});
    using model = createModel(backbone as MaskRcnnConfig["backbone"], createRng(7));
    await saveWeights(model, `${folder}/backbone.safetensors`);
    using initial = createModel(run.recipe.model, createRng(0).fork("init").fork("backbone"));
    const from = { config: run, scale: "smoke", of: "init" } as const;
    const file = { weights: `${folder}/backbone.safetensors` };
    const bodyOf = async (pretrained: DetectorConfig["pretrained"]) => {
      const key = { config: { ...config, pretrained }, ...options };
      using learner = await detectorLearner(key, data, () => {});
      await learner.save(`${folder}/saved.safetensors`, 0);
      return readSafetensors(`${folder}/saved.safetensors`).arrays;
    };
    const kernel = "stages.2.0.pwconv1.weight";
    const valuesOf = (params: object) => namedVariables(params).get(kernel)!.dataSync().toSorted();
    const saved = async (pretrained: DetectorConfig["pretrained"]) =>
      (await bodyOf(pretrained)).get(`model.backbone.body.${kernel}`)!.values.toSorted();
    assertEquals(await saved(from), valuesOf(initial.params));
    assertEquals(await saved(file), valuesOf(model.params));
    const { arrays } = readSafetensors(file.weights);
    const both = ["model", "model_ema"].flatMap((key) =>
      [...arrays].map(([name, array]) => [`${key}.${name}`, array] as const)
    );
    const twice = { weights: `${folder}/twice.safetensors` };
    writeSafetensors(twice.weights, { arrays: new Map(both), metadata: {} });
    await assertRejects(() => saved(twice), Error, 'say which with { key: "model" }');
    assertEquals(await saved({ ...twice, key: "model_ema" }), valuesOf(model.params));
    const own = await saved(null);
    assertTrue(String(own) !== String(valuesOf(initial.params)), "its own");
    assertEquals(await saved(null), own);
    const ids = [from, { ...from, seed: 1 }, file, null].map((pretrained) =>
      detectorId({ config: { ...config, pretrained }, ...options })
    );
    assertEquals(new Set(ids).size, 4);
    assertEquals(
      detectorId({ config: { ...config, pretrained: { ...from, seed: 0 } }, ...options }),
      ids[0],
    );
    const missing = { ...config, pretrained: { config: run, scale: "smoke" } as const };
    await assertRejects(() => finetuneDetector(missing, options), Error, "call pretrain()");
    const wider = { ...config.model, backbone: { ...backbone, dims: [8, 8, 16, 24] } };
    const misfit = { ...config, pretrained: file, model: wider as DetectorConfig["model"] };
    await assertRejects(
      () => finetuneDetector(misfit, options),
      Error,
      "does not fit the backbone",
    );
  }));

Deno.test("damaged pictures and faulty annotations are named, then left out or the end, as configured", () =>
  inOutputs(async (config, folder) => {
    const file = `${folder}/annotations/instances_train.json`;
    const json = JSON.parse(Deno.readTextFileSync(file));
    const [faulty] = json.annotations;
    faulty.area = -1;
    Deno.writeTextFileSync(file, JSON.stringify(json));
    const picture = `${folder}/train/${json.annotations.at(-1).image_id}.png`;
    Deno.writeFileSync(picture, Deno.readFileSync(picture).subarray(0, 100));
    Deno.writeTextFileSync(`${folder}/val/2.png`, "no picture");
    const told: string[] = [];
    const onWarning = (line: string) => void told.push(line);
    const trained = await finetuneDetector(config, { ...options, onWarning });
    assertTrue(trained.finished, "goes on without them");
    const said = (text: string) => told.filter((line) => line.includes(text)).length;
    assertEquals(said(`annotation ${faulty.id} of ${file}: its area is -1`), 1);
    assertEquals(said(`${picture}, image ${json.annotations.at(-1).image_id}`), 1);
    assertEquals(said(`${folder}/val/2.png, image 2`), 1); // of several monitors
    assertEquals((await evaluateDetector(config, { ...options, onWarning })).images, 3);

    Deno.copyFileSync(`${folder}/val/1.png`, `${folder}/val/2.png`);
    const strict = { ...config, data: { ...config.data, onFault: "stop" } } as DetectorConfig;
    await assertRejects(() => finetuneDetector(strict, options), Error, `annotation ${faulty.id}`);
    faulty.area = 10;
    Deno.writeTextFileSync(file, JSON.stringify(json));
    await assertRejects(() => finetuneDetector(strict, options), Error, picture);
    Deno.writeTextFileSync(`${folder}/annotations/instances_val.json`, '{"images": [');
    await assertRejects(() => finetuneDetector(strict, options), Error, "instances_val.json");
  }));
