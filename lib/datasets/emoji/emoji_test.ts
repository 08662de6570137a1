import { drawBackground, drawBackgroundPool } from "./backgrounds.ts";
import { emojiBackground, emojiPlacement, loadEmoji } from "./emoji.ts";
import { openEmojiPack } from "./emoji_pack.ts";
import { imageAt, imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { thinned } from "lib/datasets/pictures/stored_images.ts";
import { drawPlacement, makeSprite, renderSprite } from "lib/datasets/pictures/place.ts";
import { createRng } from "lib/rng.ts";
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
  const background = "plain" as "textured";
  await assertRejects(
    () => loadEmoji({ background }),
    RangeError,
    'the background is "textured" or left out, current value is "plain"',
  );
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

Deno.test("a drawing is placed by the stream of its id, so that runs on emoji keep their pixels", async () => {
  const size = 80;
  const { train } = await loadEmoji({ size, trainCount: 30, testCount: 1 });
  const pack = await openEmojiPack(256);
  for (const i of [0, 11, 29]) {
    const { pixels, mask, id } = imageAt(train, i);
    const drawing = pack.drawings.findIndex((drawing) =>
      id === `${drawing.style}/${pack.identities[drawing.identity]!.hexcode}`
    );
    const sprite = makeSprite(pack.raster(drawing), pack.size);
    const stream = createRng(0).fork("emoji").fork("place").fork(id).fork(0);
    const placement = drawPlacement(stream, sprite.box, size, emojiPlacement);
    const expected = [new Uint8Array(pixels.length), new Uint8Array(mask!.length)] as const;
    renderSprite(sprite, placement, size, [128, 128, 128], ...expected);
    assertEquals([pixels, mask], [...expected]);
  }
});

const few = { ...options, trainCount: 200, testCount: 40 };
const textured = await loadEmoji({ ...few, background: "textured" });

Deno.test("textured emoji are the plain ones at the same places, with another background", () => {
  for (const name of ["pretrain", "train", "test", "heldOut", "monochrome"] as const) {
    const other = textured[name];
    const plain = thinned(sets[name], imageCount(other));
    assertEquals([other.ids, other.labels, other.masks], [plain.ids, plain.labels, plain.masks]);
    let [behind, same] = [0, 0];
    other.masks!.forEach((alpha, p) => {
      for (let c = 3 * p; c < 3 * p + 3; c++) {
        // An alpha of 254.75 is rounded to 255 in the mask.
        if (alpha === 255) assertTrue(Math.abs(other.pixels[c]! - plain.pixels[c]!) <= 1, name);
        if (alpha > 0) continue;
        behind++;
        if (other.pixels[c] === plain.pixels[c]) same++;
      }
    });
    assertTrue(same < 0.1 * behind, `${same} of ${behind} values of the background are the same`);
  }
});

Deno.test("a textured emoji is the same for the same options, and for any number of others", async () => {
  const some = await loadEmoji({
    ...options,
    background: "textured",
    trainCount: 20,
    testCount: 9,
  });
  assertEquals(some.pretrain.ids.length, 20);
  for (const name of ["pretrain", "test"] as const) {
    some[name].ids.forEach((id, i) => {
      const same = textured[name].ids.indexOf(id);
      if (same >= 0) assertEquals(imageAt(some[name], i), imageAt(textured[name], same));
    });
  }
  const [first] = some.pretrain.ids;
  assertEquals(textured.pretrain.ids[0], first);
});

/** The backgrounds of textured emoji without the objects, drawn anew. */
function backgroundsOf(set: ImageSet): ImageSet {
  const rng = createRng(0).fork("emoji");
  const pool = drawBackgroundPool(rng.fork("backgrounds"), set.width, emojiBackground);
  const pixels = new Uint8Array(set.pixels.length);
  set.ids.forEach((id, i) => {
    const out = pixels.subarray(i * set.width ** 2 * 3, (i + 1) * set.width ** 2 * 3);
    drawBackground(rng.fork("background").fork(id).fork(0), pool, out);
  });
  return { ...set, pixels };
}

/** Share of the test images whose nearest training image, by pixels, has their label. */
function nearestAccuracy(train: ImageSet, test: ImageSet): number {
  const hits = test.ids.filter((_, i) => {
    const distances = train.ids.map((_, j) => {
      const [a, b] = [imageAt(test, i).pixels, imageAt(train, j).pixels];
      return a.reduce((sum, value, p) => sum + (value - b[p]!) ** 2, 0);
    });
    return train.labels[distances.indexOf(Math.min(...distances))] === test.labels[i];
  });
  return hits.length / test.ids.length;
}

Deno.test("a nearest neighbour by the background alone is right no more often than by chance", () => {
  const [train, test] = [backgroundsOf(textured.train), backgroundsOf(textured.test)];
  textured.train.masks!.forEach((alpha, p) => {
    if (alpha > 0) return;
    const c = 3 * p + p % 3;
    assertEquals(textured.train.pixels[c], train.pixels[c]); // it is the background of that set
  });
  const counts = test.classNames.map((_, k) => train.labels.filter((label) => label === k).length);
  const chance = test.labels.reduce((sum, label) => sum + counts[label]!, 0) /
    (train.labels.length * test.labels.length);
  const most = chance + 3 * Math.sqrt(chance * (1 - chance) / test.labels.length);
  const byBackground = nearestAccuracy(train, test);
  assertTrue(byBackground <= most, `${byBackground} by the background, chance is ${chance}`);
  const byObject = nearestAccuracy(sets.train, sets.test);
  assertTrue(byObject > 2 * most, `${byObject} by the object`);
});
