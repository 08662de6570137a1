import { loadLabelledScenes, smallDrawings } from "./labelled_scenes.ts";
import { drawBackground, drawBackgroundPool } from "lib/datasets/emoji/backgrounds.ts";
import { emojiBackground, loadEmoji } from "lib/datasets/emoji/emoji.ts";
import { chooseDrawings } from "lib/datasets/emoji/emoji_drawings.ts";
import { imageAt, type ImageSet } from "lib/datasets/pictures/images.ts";
import { createRng } from "lib/rng.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const size = 48;
const options = { size, labels: "identity", trainCount: 120, testCount: 40 } as const;
const scenes = await loadLabelledScenes(options);
const emoji = await loadEmoji(options);

Deno.test("scenes have the drawings, labels and splits of the emoji", () => {
  for (const name of ["pretrain", "train", "test"] as const) {
    const [scene, plain] = [scenes[name], emoji[name]];
    assertEquals([scene.ids, scene.labels], [plain.ids, plain.labels]);
    assertEquals(scene.classNames, plain.classNames);
  }
  assertTrue(scenes.pretrain.labels.every((label) => label === -1), "no labels for pre-training");
  assertTrue(scenes.train.labels.every((label) => label >= 0), "labels for the k-NN");
  const inTraining = new Set([...scenes.pretrain.ids, ...scenes.train.ids]);
  assertTrue(!scenes.test.ids.some((id) => inTraining.has(id)), "no drawing is in both");
});

Deno.test("a scene is the same for the same options, and for any number of others", async () => {
  const some = await loadLabelledScenes({ ...options, trainCount: 30, testCount: 10 });
  let compared = 0;
  for (const name of ["pretrain", "train", "test"] as const) {
    some[name].ids.forEach((id, i) => {
      const same = scenes[name].ids.indexOf(id);
      if (same < 0) return;
      assertEquals(imageAt(some[name], i), imageAt(scenes[name], same));
      compared++;
    });
  }
  assertTrue(compared > 20, `only ${compared} scenes were compared`);
  const other = await loadLabelledScenes({ ...options, trainCount: 1, testCount: 1, seed: 1 });
  assertTrue(
    other.pretrain.pixels.some((value, p) => value !== scenes.pretrain.pixels[p]),
    "another seed",
  );
});

/** The box of the pixels that a mask covers, in pixels. */
function extentOf(mask: Uint8Array): number {
  const covered = [...mask.keys()].filter((p) => mask[p]! >= 64);
  const side = (values: number[]) => 1 + Math.max(...values) - Math.min(...values);
  return Math.max(
    side(covered.map((p) => p % size)),
    side(covered.map((p) => Math.floor(p / size))),
  );
}

Deno.test("the large object of a scene is whole, and about half as wide as the scene or more", () => {
  for (const set of [scenes.pretrain, scenes.test]) {
    for (let i = 0; i < set.ids.length; i++) {
      const mask = imageAt(set, i).mask!;
      const extent = extentOf(mask) / size;
      // A turn of 25 degrees makes a box up to 1.33 times as wide.
      assertTrue(extent > 0.38 && extent < 0.98, `${set.ids[i]} has an extent of ${extent}`);
      const edge = [...mask.keys()].filter((p) =>
        mask[p]! > 200 && [0, size - 1].some((at) => p % size === at || Math.floor(p / size) === at)
      );
      const area = mask.filter((alpha) => alpha > 200).length;
      assertTrue(edge.length < 0.1 * area, `${set.ids[i]} is cut off`);
    }
  }
});

/** The number of pixels that show neither the large object nor the ground. */
function smallPixels(set: ImageSet, i: number): number {
  const rng = createRng(0).fork("emoji");
  const ground = new Uint8Array(size * size * 3);
  const { pixels, mask, id } = imageAt(set, i);
  drawBackground(rng.fork("scene").fork(id).fork("background"), pool, ground);
  return [...mask!.keys()].filter((p) =>
    mask![p] === 0 && [0, 1, 2].some((c) => pixels[3 * p + c] !== ground[3 * p + c])
  ).length;
}

const pool = drawBackgroundPool(
  createRng(0).fork("emoji").fork("backgrounds"),
  size,
  emojiBackground,
);

Deno.test("almost every scene shows small objects, and the ground of the pool everywhere else", () => {
  const areas = scenes.pretrain.ids.map((_, i) => smallPixels(scenes.pretrain, i) / size ** 2);
  const with1 = areas.filter((area) => area > 0.005).length;
  assertTrue(with1 > 0.95 * areas.length, `${with1} of ${areas.length} scenes have small objects`);
  assertTrue(Math.max(...areas) < 0.5, "they cover less than half of the scene");
});

Deno.test("small objects are of the large object's group and split", async () => {
  const { pack, all } = await chooseDrawings({ size });
  const groupOf = (drawing: number) => pack.identities[pack.drawings[drawing]!.identity]!.group;
  for (const split of ["train", "test"] as const) {
    const members = new Set(all(split));
    const groups = smallDrawings(pack, all(split));
    assertEquals([...groups.keys()].sort(), [...new Set([...members].map(groupOf))].sort());
    for (const [group, drawings] of groups) {
      assertTrue(drawings.length > 1 && drawings.length <= 64, `${group}: ${drawings.length}`);
      assertTrue(drawings.every((i) => members.has(i) && groupOf(i) === group), group);
    }
  }
});

Deno.test("loadLabelledScenes() names an option that is out of range", async () => {
  await assertRejects(
    () => loadLabelledScenes({ size: 12 }),
    RangeError,
    "16 to 512 pixels a side of a scene, current value is 12",
  );
  const labels = "colour" as "subgroup";
  await assertRejects(() => loadLabelledScenes({ labels }), RangeError, '"colour"');
});
