import { emojiBackground, loadEmoji } from "./emoji.ts";
import { imageAt, imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { thinned } from "lib/datasets/pictures/stored_images.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const options = { size: 16, labels: "identity", identityCount: 40 } as const;
const sets = await loadEmoji(options);
const style = (id: string) => id.split("/")[0]!;
const identity = (id: string) => id.split("/")[1]!;

Deno.test("loadEmoji() puts no drawing into two splits, and keeps held-out styles out of training", () => {
  const splits = [sets.pretrain, sets.test, sets.heldOut, sets.monochrome];
  const all = splits.flatMap(({ ids }) => [...ids]);
  // Identities without a label are in `pretrain` only, so what the others hold is theirs alone.
  assertEquals(new Set(all).size, all.length);
  const heldOut = new Set(sets.heldOut.ids.map(style));
  assertEquals([...heldOut].sort(), ["fxemoji", "openmoji"]);
  assertTrue(
    ![...sets.pretrain.ids, ...sets.test.ids].some((id) => heldOut.has(style(id))),
    "held out",
  );
  assertTrue(sets.monochrome.ids.every((id) => /contrast|monotone/.test(style(id))), "monochrome");
});

Deno.test("every test identity is in train in another style, under the same label", () => {
  assertEquals(imageCount(sets.test), 40);
  sets.test.ids.forEach((id, i) => {
    const others = sets.train.ids.flatMap((other, j) =>
      identity(other) === identity(id) ? [j] : []
    );
    assertTrue(others.length > 0, `${id} is in train`);
    for (const j of others) {
      assertTrue(style(sets.train.ids[j]!) !== style(id), `${id} is in train in another style`);
      assertEquals(sets.train.labels[j], sets.test.labels[i]);
    }
  });
});

Deno.test("pre-training sees more drawings than train, all of them unlabelled", () => {
  assertTrue(imageCount(sets.pretrain) > 5 * imageCount(sets.train), "more drawings");
  assertTrue(sets.pretrain.labels.every((label) => label === -1), "no labels");
  const known = new Set(sets.pretrain.ids);
  assertTrue(sets.train.ids.every((id) => known.has(id)), "train is a part of it");
});

Deno.test("the same options give the same pixels, another seed other places", async () => {
  const [again, other] = [await loadEmoji(options), await loadEmoji({ ...options, seed: 1 })];
  assertEquals(again.train.pixels, sets.train.pixels);
  assertTrue(other.train.pixels.some((value, i) => value !== sets.train.pixels[i]), "moved");
});

Deno.test("masks tell the object from the background, and no object is cut off", () => {
  const { train } = sets;
  let [opaque, edge] = [0, 0];
  for (let i = 0; i < imageCount(train); i++) {
    const { pixels, mask } = imageAt(train, i);
    mask!.forEach((alpha, p) => {
      const [x, y] = [p % 16, Math.floor(p / 16)];
      if (alpha > 200) opaque++;
      if (alpha > 200 && (x === 0 || y === 0 || x === 15 || y === 15)) edge++;
      if (alpha > 0) return;
      assertEquals([...pixels.subarray(3 * p, 3 * p + 3)], [...emojiBackground]);
    });
  }
  assertTrue(opaque > 0.15 * train.masks!.length, "objects fill a part of the image");
  assertTrue(edge < 0.02 * opaque, `${edge} of ${opaque} opaque pixels are at the edge`);
});

Deno.test("labels by subgroup cover all drawings", async () => {
  const { train, test }: { train: ImageSet; test: ImageSet } = await loadEmoji({ size: 16 });
  assertTrue(
    train.classNames.length > 80 && train.classNames.includes("face-smiling"),
    "subgroups",
  );
  assertTrue([...train.labels, ...test.labels].every((label) => label >= 0), "all labelled");
});

Deno.test("loadEmoji() names an option that is out of range", async () => {
  await assertRejects(() => loadEmoji({ size: 4 }), RangeError, "4");
  await assertRejects(() => loadEmoji({ ...options, identityCount: 1 }), RangeError, "1");
  const styles = ["noto", "crayon"] as unknown as ["noto"];
  await assertRejects(() => loadEmoji({ heldOutStyles: styles }), RangeError, "crayon");
});

Deno.test("loadEmoji() places only as many as are asked for: the very images that thinned() takes of all", async () => {
  const some = await loadEmoji({ ...options, trainCount: 40, testCount: 9 });
  for (const name of ["pretrain", "train"] as const) {
    assertEquals(some[name], thinned(sets[name], 40));
  }
  for (const name of ["test", "heldOut", "monochrome"] as const) {
    assertEquals(some[name], thinned(sets[name], 9));
  }
  assertEquals((await loadEmoji({ ...options, trainCount: 1e6 })).train, sets.train);
});
