import { imageCount } from "lib/datasets/pictures/images.ts";
import { inMemory } from "lib/datasets/pictures/stored_images.ts";
import { bcSslEmoji } from "./notebook_runs.ts";
import { type DataConfig, sizesAt } from "./config.ts";
import { loadData, openData, withoutClasses } from "./data.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("openData() spreads a scale's counts over all emoji", async () => {
  const sizes = { ...sizesAt(bcSslEmoji, "smoke"), trainCount: 200, testCount: 50 };
  const few = await openData(bcSslEmoji.data, sizes);
  assertEquals([few.pretrain, few.train, few.test].map(imageCount), [200, 200, 50]);
  assertEquals([few.pretrain.labels[0], few.train.labels.length], [-1, 200]);
  const categories = new Set(few.train.labels).size;
  assertTrue(categories > 40, `only ${categories} of 97 categories are among 200 images`);
  assertTrue(await openData(bcSslEmoji.data, { ...sizes }) === few, "loaded twice");
  const all = await openData(bcSslEmoji.data, sizesAt(bcSslEmoji, "laptop"));
  assertEquals([all.pretrain, all.train, all.test].map(imageCount), [6699, 6699, 1724]);
});

Deno.test("openData() opens textured emoji and scenes: the drawings of the plain emoji, in other pictures", async () => {
  const sizes = { ...sizesAt(bcSslEmoji, "smoke"), trainCount: 60, testCount: 20 };
  const plain = await openData(bcSslEmoji.data, sizes);
  for (
    const data of [
      { kind: "emoji", labels: "subgroup", background: "textured" },
      { kind: "scenes", labels: "subgroup" },
    ] satisfies DataConfig[]
  ) {
    const split = await openData(data, sizes);
    for (const name of ["pretrain", "train", "test"] as const) {
      const [images, others] = [inMemory(split[name], "compare"), inMemory(plain[name], "compare")];
      assertEquals([images.ids, images.labels], [others.ids, others.labels]);
      assertEquals([images.width, images.height], [32, 32]);
      const same = images.pixels.filter((value, p) => value === others.pixels[p]).length;
      assertTrue(same < 0.7 * images.pixels.length, `${data.kind}: ${same} values are the same`);
    }
    assertEquals(withoutClasses(split), undefined);
    assertTrue(await openData(data, { ...sizes }) === split, "loaded twice");
  }
});

Deno.test("loadData() gives scenes of the scale's size", async () => {
  const sizes = { ...sizesAt(bcSslEmoji, "smoke"), imageSize: 80, trainCount: 8, testCount: 4 };
  const { train, test } = await loadData({ kind: "scenes", labels: "subgroup" }, sizes);
  assertEquals([train.width, train.labels.length, test.labels.length], [80, 8, 4]);
});
