import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";
import { centerCrops } from "lib/datasets/pictures/center_crops.ts";
import { imageNetAClasses, imageNetRClasses, imageNetWnids } from "./imagenet_classes.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import {
  openImageNetA,
  openImageNetC,
  openImageNetR,
  openImageNetSketch,
} from "./imagenet_variants.ts";
import { storedInFolder } from "lib/datasets/pictures/picture_index.ts";
import { idOf } from "lib/datasets/pictures/stored_images.ts";
import { inTempFolder, jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const picture = await jpeg(1, 24, 24);
const wnidsOf = (classes: readonly number[]) => classes.map((index) => imageNetWnids[index]!);

/** A folder for each class, with one picture, beside a text as the archives bring it. */
function makeClasses(folder: string, wnids: readonly string[], file = "0.jpg"): void {
  for (const wnid of wnids) {
    Deno.mkdirSync(`${folder}/${wnid}`, { recursive: true });
    Deno.writeFileSync(`${folder}/${wnid}/${file}`, picture);
  }
  Deno.writeTextFileSync(`${folder}/README.txt`, "");
}

Deno.test("imageNetWnids are the 1,000 in order, and the 200 of A and R overlap in 86", () => {
  assertEquals(imageNetWnids.length, 1000);
  assertEquals([...new Set(imageNetWnids)].sort(), imageNetWnids);
  assertEquals([imageNetWnids[0], imageNetWnids[999]], ["n01440764", "n15075141"]);
  const [a, r] = [new Set(imageNetAClasses), new Set(imageNetRClasses)];
  assertEquals([a.size, r.size, a.intersection(r).size], [200, 200, 86]);
  assertTrue([...a, ...r].every((index) => index in imageNetWnids), "all of them are classes");
});

const variants = [
  { open: openImageNetA, inside: "imagenet-a", classes: imageNetAClasses, name: "ImageNet-A" },
  { open: openImageNetR, inside: "imagenet-r", classes: imageNetRClasses, name: "ImageNet-R" },
];
for (const { open, inside, classes, name } of variants) {
  Deno.test(`${open.name}() numbers the classes of its folder among the 1,000, and refuses another set's`, () =>
    inTempFolder(async (folder) => {
      const root = `${folder}/${inside}`;
      await assertRejects(
        () => open(root),
        Error,
        `Cannot find ${name}: there is no folder ${root}`,
      );
      makeClasses(root, wnidsOf(classes));
      for (const place of [root, folder]) {
        const set = await open(place);
        assertEquals(imageCount(set), 200);
        assertEquals([...set.labels], classes);
        assertEquals(idOf(set, 0), `${imageNetWnids[classes[0]!]}/0.jpg`);
        assertEquals(set.classNames, imageNetWnids);
      }
      const fails = (text: string) => assertRejects(() => open(folder), Error, text);
      const [first, second] = wnidsOf(classes) as [string, string];
      await Deno.remove(`${root}/${first}/0.jpg`);
      await fails(`${first} has no picture`);
      await Deno.remove(`${root}/${first}`);
      await fails(`of its 200 classes, ${first} is missing`);
      await Deno.remove(`${root}/${second}`, { recursive: true });
      await fails(`${first} and 1 more are missing`);
      makeClasses(root, ["n01440764"]); // a tench, which neither has
      await fails("n01440764 is not among its 200 classes");
      makeClasses(root, ["n99999999"]);
      await fails("n99999999 is none of ImageNet's 1000 classes");
    }));
}

Deno.test("openImageNetSketch() wants all 1,000 classes", () =>
  inTempFolder(async (folder) => {
    makeClasses(`${folder}/sketch`, imageNetWnids.slice(1), "sketch_0.JPEG");
    await assertRejects(
      () => openImageNetSketch(folder),
      Error,
      "of its 1000 classes, n01440764 is missing; unpack ImageNet-Sketch.zip again",
    );
    makeClasses(`${folder}/sketch`, ["n01440764"]);
    const set = await openImageNetSketch(folder);
    assertEquals([...set.labels], imageNetWnids.map((_, index) => index));
  }));

Deno.test("openImageNetC() finds a corruption by itself or below its archive, and says which archive is missing", () =>
  inTempFolder(async (folder) => {
    const fails = (corruption: string, severity: number, text: string) =>
      assertRejects(() => openImageNetC(folder, corruption, severity), Error, text);
    await fails(
      "snow",
      3,
      `Cannot find ImageNet-C, snow 3: there is no folder ${folder}/snow/3; unpack weather.tar in ${folder}`,
    );
    await fails("rain", 3, '"rain" of ImageNet-C: there are gaussian_noise');
    await fails("snow", 6, "severity is 1 to 5, current one is 6");
    await assertRejects(
      () => openImageNetC(`${folder}/none`, "saturate", 1),
      Error,
      `there is no folder ${folder}/none; unpack extra.tar there`,
    );
    makeClasses(`${folder}/snow/3`, imageNetWnids.slice(0, 999));
    await fails("snow", 3, "n15075141 is missing; unpack weather.tar again");
    makeClasses(`${folder}/snow/3`, imageNetWnids.slice(999));
    assertEquals(imageCount(await openImageNetC(folder, "snow", 3)), 1000);
    await Deno.mkdir(`${folder}/weather/fog`, { recursive: true });
    await Deno.rename(`${folder}/snow/3`, `${folder}/weather/fog/1`);
    const set = await openImageNetC(folder, "fog", 1);
    assertEquals([set.name, imageCount(set)], ["ImageNet-C, fog 1", 1000]);
  }));

Deno.test("centerCrops() leaves pictures that are cut already as they are, when their side is the short one", () =>
  inTempFolder(async (folder) => {
    makeClasses(folder, ["n01440764"]);
    const set = storedInFolder("cut", folder, ["n01440764/0.jpg"]);
    const { data } = await decodePicture(picture);
    for await (const { pixels } of centerCrops(set, { size: 24, shortSide: 24 })) {
      assertEquals(pixels, new Uint8Array(data));
    }
    for await (const { pixels } of centerCrops(set, { size: 24 })) {
      assertTrue(pixels.some((value, i) => value !== data[i]), "enlarged and cut");
    }
  }));
