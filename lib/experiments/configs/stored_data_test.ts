/**
 * Tests the verbs on ImageNet, whose pictures stay in their files from the first crop to the k-NN.
 */
import { bcSslStart } from "./notebook_runs.ts";
import { override, type PretrainConfig, sizesAt } from "./config.ts";
import { loadData, openData } from "./data.ts";
import { baselines, knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { nearestImages } from "lib/experiments/measure/nearest_images.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { supervised } from "lib/experiments/pretrain/supervised.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { isStored } from "lib/datasets/pictures/stored_images.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const wnids = ["n01440764", "n02119789"];

/**
 * Makes folders with two classes, each with eight pictures for training and four for validation,
 * and `outputs/` beside them.
 */
async function withImageNet(run: (config: PretrainConfig) => Promise<void>): Promise<void> {
  await inTempFolder(async (folder) => {
    for (const [split, count] of [["train", 8], ["val", 4]] as const) {
      for (const [label, wnid] of wnids.entries()) {
        await Deno.mkdir(`${folder}/${split}/${wnid}`, { recursive: true });
        for (let i = 0; i < count; i++) {
          const bytes = await jpeg(10 * i + label + count, 60 + i, 50);
          await Deno.writeFile(`${folder}/${split}/${wnid}/${wnid}_${i}.JPEG`, bytes);
        }
      }
    }
    Deno.env.set("BCSSL_OUTPUTS", `${folder}/outputs`);
    Deno.env.set("BCSSL_SHIPPED", "none");
    try {
      const small = override(bcSslStart, {
        name: "pictures",
        recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
        scales: {
          smoke: { trainCount: 12, testCount: 6, batchSize: 4, epochs: 2, monitorEvery: 3 },
        },
      });
      await run({ ...small, data: { kind: "imagenet", numClasses: 2, folder } });
    } finally {
      Deno.env.delete("BCSSL_OUTPUTS");
    }
  });
}

const options = { scale: "smoke", seed: 0 } as const;

Deno.test("pretrain() and its k-NN, linearProbe() and nearestImages() read ImageNet from its files", () =>
  withImageNet(async (config) => {
    const { history, finished } = await pretrain(config, options);
    assertTrue(finished, "finished");
    const monitored = history.filter(({ metrics }) => "knn20Top1" in metrics);
    assertEquals(monitored.map(({ step }) => step), [3, 6]);
    const { courses } = await linearProbe(config, { ...options, epochs: 1, batchSize: 4 });
    assertTrue(courses.length > 0, "no course");
    const asReference = { ...options, augment: true, epochs: 2, batchSize: 4 };
    const { courses: [course] } = await linearProbe(config, asReference);
    assertEquals([course!.lr, course!.epochs.length], [0.001, 2]);
    const twin = await supervised(config, options);
    assertEquals([twin.step, twin.finished], [6, true]);
    const { accuracies } = await knn(config, { ...options, of: "supervised" });
    assertEquals(accuracies[1]!.top1, twin.history.at(-1)!.metrics.knn20Top1!);
    const { images, columns } = await nearestImages(config, { ...options, k: 2 });
    const untrained = await nearestImages(config, { ...options, k: 2, by: "init" });
    assertTrue(
      images.pixels.some((pixel, i) => pixel !== untrained.images.pixels[i]),
      "other neighbours before training",
    );
    assertEquals([images.width, columns, imageCount(images)], [32, 3, 6]);
    const { pixels, randomInit } = await baselines(config, { scale: "smoke", seeds: [0] });
    assertEquals([pixels.length, randomInit[0]!.length], [0, 4]);
    const ofPixels = { ...options, of: "pixels" } as const;
    assertEquals((await linearProbe(config, { ...ofPixels, epochs: 1 })).featureDim, 32 * 32 * 3);
    assertEquals((await knn(config, ofPixels)).accuracies.length, 4);
    const huge = override(config, { scales: { smoke: { imageSize: 20_000 } } });
    await assertRejects(() => knn(huge, ofPixels), RangeError, "choose a smaller scale");
  }));

Deno.test("openData() spreads ImageNet's counts over the classes; loadData() holds them at the scale's size", () =>
  withImageNet(async (config) => {
    const sizes = sizesAt(config, "smoke");
    const { pretrain, train, test } = await openData(config.data, sizes);
    assertTrue([pretrain, train, test].every(isStored), "pictures stay in files");
    assertEquals([...train.labels], Array.from({ length: 12 }, (_, i) => i < 6 ? 0 : 1));
    assertEquals([...pretrain.labels], Array(12).fill(-1));
    const loaded = await loadData(config.data, sizes);
    assertEquals([loaded.test.width, imageCount(loaded.test)], [32, 6]);
    assertEquals([...loaded.test.labels], [...test.labels]);
    const huge = { ...sizes, imageSize: 20_000 };
    await assertRejects(() => loadData(config.data, huge), RangeError, "choose a smaller scale");
  }));

Deno.test("openData() gives CIFAR-10 and CIFAR-100 at the scale's counts", () =>
  inTempFolder(async (folder) => {
    const sizes = { ...sizesAt(bcSslStart, "smoke"), trainCount: 3, testCount: 2 };
    const write = async (name: string, length: number) => {
      await Deno.writeFile(`${folder}/${name}`, new Uint8Array());
      await Deno.truncate(`${folder}/${name}`, length); // as long as published, and empty
    };
    for (const name of ["data_batch_1.bin", "test_batch.bin"]) await write(name, 30_730_000);
    await write("train.bin", 153_700_000);
    await write("test.bin", 30_740_000);
    await Deno.writeTextFile(`${folder}/batches.meta.txt`, "airplane\n");
    await Deno.writeTextFile(`${folder}/coarse_label_names.txt`, "fish\n");
    const configs = [{ kind: "cifar10", folder }, { kind: "cifar100", labels: "coarse", folder }];
    for (const data of configs as PretrainConfig["data"][]) {
      const { pretrain, train, test } = await openData(data, sizes);
      assertEquals([pretrain, train, test].map(imageCount), [3, 3, 2]);
      assertEquals([pretrain.labels[0], train.labels[0]], [-1, 0]);
      const { train: larger } = await openData(data, { ...sizes, imageSize: 80 });
      assertEquals([(larger as ImageSet).width, (train as ImageSet).width], [80, 32]);
    }
  }));

Deno.test("ImageNet's folder may vanish while a run reads from it: one line names a file, and back again it goes on to the same numbers", () =>
  withImageNet(async (config) => {
    const undisturbed = await pretrain(config, options);
    const { folder } = config.data as { folder: string };
    const [there, away] = [`${folder}/train`, `${folder}/elsewhere`];
    const onEvent = ({ step }: { step: number }) =>
      step === 1 ? Deno.renameSync(there, away) : undefined;
    const failing = () => pretrain(config, { ...options, fresh: true, onEvent });
    await assertRejects(failing, Error, there);
    Deno.renameSync(away, there);
    assertEquals(await pretrain(config, options), undisturbed);
  }));
