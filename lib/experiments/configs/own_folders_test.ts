/**
 * Tests `openData` with a person's own folders: pictures are in memory or, if they are too large
 * for it, stay in their files.
 */
import sharp from "sharp";
import { bcSslStart } from "./notebook_runs.ts";
import { sizesAt } from "./config.ts";
import { openData } from "./data.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import { isStored } from "lib/datasets/pictures/stored_images.ts";
import { openLabelledCrops } from "lib/eval/supervised/labelled_crops.ts";
import { createRng } from "lib/rng.ts";
import { createCropper } from "lib/ssl/views/cropper.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertClose, assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/**
 * Makes transparent pictures of two classes. As a viewer shows them they are grey; their stored
 * pixels are black.
 */
async function inClearFolders(
  run: (data: { kind: "folder"; train: string; test: string }) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (folder) => {
    const background = { r: 0, g: 0, b: 0, alpha: 0 };
    const bytes = await sharp({ create: { width: 20, height: 20, channels: 4, background } }).png()
      .toBuffer();
    for (const [split, count] of [["train", 30], ["test", 6]] as const) {
      for (const name of ["crow", "owl"]) {
        await Deno.mkdir(`${folder}/${split}/${name}`, { recursive: true });
        for (let i = 0; i < count; i++) {
          await Deno.writeFile(`${folder}/${split}/${name}/${i}.png`, bytes);
        }
      }
    }
    await run({ kind: "folder", train: `${folder}/train`, test: `${folder}/test` });
  });
}

Deno.test("openData() keeps a scale's counts for folders, and reads ~ and relative paths", () =>
  inClearFolders(async (data) => {
    const sizes = { ...sizesAt(bcSslStart, "smoke"), trainCount: 20, testCount: 4 };
    const { pretrain, train, test } = await openData(data, sizes, () => {});
    assertEquals([pretrain, train, test].map(imageCount), [20, 20, 4]);
    assertEquals([...train.labels].filter((label) => label === 0).length, 10);
    const before = Deno.env.get("HOME")!;
    Deno.env.set("HOME", data.train.replace(/\/train$/, ""));
    try {
      const short = { kind: "folder", train: "~/train", test: `file://${data.test}` } as const;
      assertEquals((await openData(short, sizes, () => {})).train, train);
    } finally {
      Deno.env.set("HOME", before);
    }
    const none = { ...data, train: "~nobody/train" };
    await assertRejects(() => openData(none, sizes), Error, `${Deno.cwd()}/~nobody/train`);
  }));

Deno.test("openData() leaves folders beyond 2 GiB of pixels in their files; threads see them as a viewer does", () =>
  inClearFolders(async (data) => {
    const said: string[] = [];
    const sizes = { ...sizesAt(bcSslStart, "smoke"), trainCount: 60, testCount: 12 };
    const large = { ...sizes, imageSize: 4096 };
    const { pretrain, train } = await openData(data, large, (line) => void said.push(line));
    assertTrue(
      isStored(pretrain) && said[0]!.includes("3.6 GB of memory, more than 2.1 GB"),
      said[0]!,
    );
    assertTrue(!isStored((await openData(data, sizes)).train), "small ones are in memory");
    const still = { probability: 0, brightness: 0, contrast: 0, saturation: 0, hue: 0 };
    const crops = {
      ...bcSslStart.recipe.crops,
      ...{ grayscale: 0, solarize: 0, blur: [0, 0, 0] as const, jitter: still },
      stats: { mean: [0, 0, 0], std: [1, 1, 1] } as const,
    };
    const rng = createRng(0);
    using cropper = createCropper(pretrain, crops, { rng, workers: 2 });
    const { global } = await cropper.next(Uint32Array.of(0, 31), 0);
    using labelled = openLabelledCrops(train, {
      rng,
      size: 8,
      scale: [0.5, 1],
      stats: crops.stats,
    });
    const { pixels, labels } = await labelled.next(Uint32Array.of(0, 31), 0);
    assertEquals([...labels], [0, 1]);
    for (const values of [global, pixels]) {
      assertClose(Math.min(...values), 128 / 255, 1e-5);
      assertClose(Math.max(...values), 128 / 255, 1e-5);
    }
  }));
