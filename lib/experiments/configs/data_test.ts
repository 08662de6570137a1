import { imageCount } from "lib/datasets/pictures/images.ts";
import { bcSslEmoji } from "./notebook_runs.ts";
import { sizesAt } from "./config.ts";
import { openData } from "./data.ts";
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
