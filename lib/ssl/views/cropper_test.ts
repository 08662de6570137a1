import { createRng } from "lib/rng.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { cropBatch } from "./batch.ts";
import type { CropRecipe } from "./crop_recipe.ts";
import { cropSource } from "./crop_source.ts";
import { createCropper } from "./cropper.ts";

const recipe: CropRecipe = { ...dinoCrops, globalSize: 12, localSize: 8, localCrops: 2 };
const rng = createRng(4).fork("crops").fork("views");

function noise(count: number): ImageSet {
  const stream = createRng(count);
  return {
    name: "noise",
    width: 10,
    height: 9,
    pixels: Uint8Array.from({ length: count * 270 }, () => stream.int(256)),
    labels: new Int32Array(count),
    classNames: ["noise"],
    ids: Array.from({ length: count }, (_, i) => `${i}`),
  };
}

const images = noise(7);
const batches = [[0, 3, 6], [5, 1, 2], [4, 4, 0], [1, 2, 3]].map((batch) =>
  Uint32Array.from(batch)
);
const expected = batches.map((indices, step) =>
  cropBatch(cropSource(images), indices, recipe, rng.fork(step))
);

for (const workers of [0, 1, 2, 3]) {
  Deno.test(`next() with ${workers} threads gives what cropBatch() gives`, async () => {
    using cropper = createCropper(images, recipe, { rng, workers });
    for (const [step, indices] of batches.entries()) {
      assertEquals(await cropper.next(indices, step), expected[step]);
    }
  });

  Deno.test(`prefetch() with ${workers} threads changes no batch`, async () => {
    using cropper = createCropper(images, recipe, { rng, workers });
    cropper.prefetch(batches[0]!, 0);
    for (const [step, indices] of batches.entries()) {
      const batch = cropper.next(indices, step);
      if (step + 1 < batches.length) cropper.prefetch(batches[step + 1]!, step + 1);
      assertEquals(await batch, expected[step]);
    }
  });

  Deno.test(`next() with ${workers} threads rejects with the error of the crops`, async () => {
    using cropper = createCropper(images, recipe, { rng, workers });
    const wrong = Uint32Array.of(0, 7);
    const text = `image 7 of "noise": it has 7 images`;
    await assertRejects(() => cropper.next(wrong, 0), RangeError, text);
    cropper.prefetch(wrong, 1); // rejects in next(), not here
    await cropper.next(batches[0]!, 5); // made after it, by the same threads
    await assertRejects(() => cropper.next(wrong, 1), RangeError, text);
    assertEquals(await cropper.next(batches[2]!, 2), expected[2]);
  });

  Deno.test(`next() with ${workers} threads rejects after close()`, async () => {
    const cropper = createCropper(images, recipe, { rng, workers });
    cropper.close();
    cropper.close();
    cropper.prefetch(batches[0]!, 0);
    await assertRejects(() => cropper.next(batches[0]!, 0), Error, "the cropper is closed");
  });
}

Deno.test("next() ignores a prefetched batch of other images, and one that was never fetched", async () => {
  using cropper = createCropper(images, recipe, { rng, workers: 1 });
  cropper.prefetch(batches[0]!, 1);
  for (let step = 10; step < 15; step++) cropper.prefetch(batches[0]!, step);
  assertEquals(await cropper.next(batches[1]!, 1), expected[1]);
  assertEquals(await cropper.next(batches[3]!, 3), expected[3]);
});

Deno.test("close() rejects what is still in the making", async () => {
  const cropper = createCropper(images, recipe, { rng, workers: 1 });
  const batch = cropper.next(batches[0]!, 0);
  const rejected = assertRejects(() => batch, Error, "the cropper is closed");
  cropper.close();
  await rejected;
});

Deno.test("createCropper() throws on a wrong number of workers and on a wrong recipe", () => {
  for (const workers of [-1, 1.5, NaN]) {
    assertThrows(() => createCropper(images, recipe, { rng, workers }), RangeError, "0 or more");
  }
  const wrong = { ...recipe, localSize: 0 };
  assertThrows(() => createCropper(images, wrong, { rng }), RangeError, "localSize");
});
