import * as tf from "lib/tf.ts";
import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { featureQuality } from "lib/experiments/measure/feature_quality.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";

const key = { scale: "smoke", seed: 0 } as const;
const small = override(bcSslStart, {
  name: "test",
  recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
});

Deno.test("featureQuality() has the last monitor's numbers and LiDAR, is kept, and leaks nothing", () =>
  inOutputs(async (folder) => {
    await assertRejects(() => featureQuality(small, key), Error, "call pretrain()");
    const { run, history } = await pretrain(small, key);
    const { rankMe, alphaReQ } = history.at(-1)!.metrics;
    const numTensors = tf.memory().numTensors;
    const result = await featureQuality(small, key);
    assertEquals(tf.memory().numTensors, numTensors);
    assertEquals([result.run, result.of, result.version], [run, "teacher", "step 16"]);
    assertEquals([result.rankMe, result.alphaReQ], [rankMe!, alphaReQ!]);
    assertEquals([result.images, result.featureDim], [small.scales.smoke.trainCount, 16]);
    assertEquals([result.lidarImages, result.lidarViews], [20, 4]);
    assertTrue(result.lidar > 1 && result.lidar < 16.1, `LiDAR of ${result.lidar}`);
    assertTrue(Deno.statSync(`${folder}/${run}/quality.json`).isFile, "kept");

    const signal = AbortSignal.abort(); // stops whatever still computes
    assertEquals(await featureQuality(small, { ...key, signal }), result);
    const again = { ...key, signal, fresh: true };
    await assertRejects(() => featureQuality(small, again), Error, "Stopped the feature quality");
    assertEquals(await featureQuality(small, { ...key, fresh: true }), result);
    const first = await featureQuality(small, { ...key, of: "init" });
    assertTrue(first.lidar !== result.lidar && first.rankMe !== result.rankMe, "other weights");
  }));

Deno.test("featureQuality() needs no classes, and two pictures", () =>
  inTempFolder(async (folder) => {
    const write = async (name: string) =>
      Deno.writeFileSync(`${folder}/${name}`, await jpeg(name.length, 40, 40));
    for (const part of ["train", "test"]) Deno.mkdirSync(`${folder}/${part}`);
    await write("test/a.jpg");
    await write("train/a.jpg");
    const data = { kind: "folder", train: `${folder}/train`, test: `${folder}/test` } as const;
    const config = { ...small, data };
    const init = { ...key, of: "init" } as const;
    await inOutputs(() =>
      assertRejects(() => featureQuality(config, init), RangeError, "current number is 1")
    );
    await write("train/bb.jpg");
    await write("train/ccc.jpg");
    await inOutputs(async () => {
      const { images, lidarImages, lidar } = await featureQuality(config, init);
      assertEquals([images, lidarImages], [3, 3]);
      assertTrue(lidar > 0.9 && lidar < 2.1, `two directions at most, LiDAR is ${lidar}`);
    });
  }));
