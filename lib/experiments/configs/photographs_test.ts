/** Photographs that a reader brings, as arms are trained on them: CIFAR-10, STL-10, Imagenette. */
import { imageCount, isStored } from "lib/datasets/mod.ts";
import { inMemory } from "lib/datasets/pictures/stored_images.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { armConfig, type ArmData, armGeometries } from "./arms.ts";
import { override, runId, sizesAt } from "./config.ts";
import { openData } from "./data.ts";
import { bcSslFineStart, bcSslStart } from "./notebook_runs.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { inOutputs } from "lib/testing/outputs.ts";
import { inTempFolder, jpeg, writeFiles } from "lib/testing/pictures.ts";

const arm = { arch: "convnext", kernelSize: 3, batchNorm: true } as const;
const photographs = ["cifar10", "stl10", "imagenette"] as const;

Deno.test("photographs are one word in armConfig(): their runs are new ones, with the recipe of garments", () => {
  for (const geometry of armGeometries) {
    const at = (data: ArmData) => armConfig(arm, { scale: "laptop", geometry, data });
    for (const data of photographs) {
      const { data: images, recipe, name, scales } = at(data);
      assertEquals(images, { kind: data });
      assertEquals(recipe, at("fashion").recipe);
      assertTrue(name.startsWith(data), name);
      const steps = Math.floor(
        Math.min(scales.laptop.trainCount, data === "imagenette" ? 9469 : 50_000) /
          scales.laptop.batchSize,
      ) * scales.laptop.epochs;
      assertTrue(steps > 2000 && steps < 3200, `${name}: ${steps} steps`);
    }
    const ids = (["fashion", ...photographs] as const).map((data) =>
      runId({ config: at(data), scale: "laptop", seed: 0 })
    );
    assertEquals(new Set(ids).size, 4);
  }
  assertThrows(
    () => armConfig(arm, { scale: "laptop", data: "cifar" as "cifar10" }),
    RangeError,
    'Unknown data "cifar": use emoji, fashion, textured, scenes, cifar10, stl10, imagenette',
  );
});

Deno.test("where photographs are not in data/, one line says what to put there", () =>
  inOutputs(async () => {
    const fails = (data: ArmData, text: string) =>
      assertRejects(
        () => pretrain(armConfig(arm, { scale: "smoke", data }), { scale: "smoke", seed: 0 }),
        Error,
        text,
      );
    await fails("cifar10", "cifar-10-binary.tar.gz");
    await fails("stl10", "unpack stl10_binary.tar.gz there");
    await fails("imagenette", "unpack imagenette2.tgz there");
  }));

/** STL-10's files with so few pictures, each of one grey. */
async function writeStl(folder: string): Promise<void> {
  const pictures = (count: number) =>
    Uint8Array.from({ length: count * 27_648 }, (_, i) => 20 * Math.floor(i / 27_648));
  await writeFiles(`${folder}/stl10_binary`, {
    "class_names.txt": "airplane\nbird\n",
    ...{ "train_X.bin": pictures(4), "train_y.bin": Uint8Array.of(1, 2, 1, 2) },
    ...{ "test_X.bin": pictures(3), "test_y.bin": Uint8Array.of(2, 1, 2) },
    "unlabeled_X.bin": pictures(6),
  });
}

Deno.test("openData() pre-trains on STL-10's pictures without labels, all resized to the scale", () =>
  inTempFolder(async (folder) => {
    await writeStl(folder);
    const sizes = { ...sizesAt(bcSslStart, "smoke"), trainCount: 5, testCount: 2 };
    const { pretrain, train, test } = await openData({ kind: "stl10", folder }, sizes);
    assertEquals([pretrain, train, test].map(imageCount), [5, 4, 2]);
    assertEquals(new Set(pretrain.labels), new Set([-1]));
    assertEquals([...train.labels], [0, 1, 0, 1]);
    for (const source of [pretrain, train, test]) {
      const { width, height, pixels } = inMemory(source, "test");
      assertEquals([width, height, pixels.length], [32, 32, imageCount(source) * 3072]);
    }
    assertEquals(new Set(inMemory(pretrain, "test").pixels.subarray(3072, 6144)), new Set([20]));
  }));

Deno.test("openData() trains on Imagenette's pictures in their files, and a run on them works", () =>
  inTempFolder(async (folder) => {
    const classes = ["n01440764", "n02102040"];
    const files: Record<string, Uint8Array> = {};
    for (const [part, count] of [["train", 8], ["val", 4]] as const) {
      for (const [label, wnid] of classes.entries()) {
        for (let i = 0; i < count; i++) {
          const name = `imagenette2/${part}/${wnid}/${wnid}_${i}.JPEG`;
          files[name] = await jpeg(10 * i + label + count, 50, 40 + i);
        }
      }
    }
    await writeFiles(folder, files);
    const sizes = { ...sizesAt(bcSslFineStart, "smoke"), trainCount: 12, testCount: 6 };
    const { pretrain: images, train, test } = await openData({ kind: "imagenette", folder }, sizes);
    assertEquals([images, train, test].map(imageCount), [12, 12, 6]);
    assertTrue([images, train, test].every(isStored), "in their files");
    assertEquals([images.labels[0], train.labels[0]], [-1, 0]);
    await inOutputs(async () => {
      const small = { trainCount: 12, testCount: 6, batchSize: 4, epochs: 1, monitorEvery: 3 };
      const config = override(armConfig(arm, { scale: "smoke", data: "imagenette" }), {
        data: { folder },
        recipe: { model: { depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] } },
        scales: { smoke: small },
      });
      const { finished, history } = await pretrain(config, { scale: "smoke", seed: 0 });
      assertEquals([finished, history.length], [true, 3]);
    });
  }));
