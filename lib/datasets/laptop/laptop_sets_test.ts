import { imageCount } from "lib/datasets/pictures/images.ts";
import { inMemory } from "lib/datasets/pictures/stored_images.ts";
import { type LaptopSet, type LaptopSetName, laptopSets } from "./laptop_sets.ts";
import { openFont } from "./font_outlines.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const names = Object.keys(laptopSets) as LaptopSetName[];

async function open(name: LaptopSetName, trainCount: number, testCount: number) {
  const set: LaptopSet = laptopSets[name];
  const { train, test, multiLabels } = await set.open({ size: 32, trainCount, testCount });
  return { train: inMemory(train, "test"), test: inMemory(test, "test"), multiLabels };
}

/** What an image shows that no image of the other part may show, by the image's id. */
const shown: Partial<Record<LaptopSetName, (id: string) => string>> = {
  emoji_style: (id) => id.split("/")[1]!, // the emoji
  icons: (id) => id.split("/")[1]!,
  digits: (id) => id.split("/")[0]!, // the face
  letters: (id) => id.split("/")[0]!,
  fonts: (id) => id.split("/")[1]!.split("#")[0]!, // the character
};

for (const name of names) {
  Deno.test(`the laptop set ${name} has its classes, the same images each time, and none in both parts`, async () => {
    const { classes, metric }: LaptopSet = laptopSets[name];
    const { train, test, multiLabels } = await open(name, 100, 40);
    assertEquals([imageCount(train), imageCount(test)], [100, 40]);
    assertEquals([train.classNames, train.classNames.length], [test.classNames, classes]);
    const pictures = ({ pixels, height, width }: typeof train) => {
      const length = height * width * 3;
      return Array.from(
        { length: pixels.length / length },
        (_, i) => pixels.subarray(i * length, (i + 1) * length).toBase64(),
      );
    };
    const seen = new Set(pictures(train));
    assertTrue(seen.size > 95, "training images differ");
    assertEquals(pictures(test).filter((picture) => seen.has(picture)), []);
    const shows = shown[name] ?? ((id: string) => id);
    const known = new Set(train.ids.map(shows));
    assertTrue(known.size >= 14, "many objects, faces or characters");
    assertEquals(test.ids.map(shows).filter((what) => known.has(what)), []);
    if (metric === "map11") {
      assertEquals(multiLabels!.train.length, 100 * classes);
      for (let c = 0; c < classes; c++) {
        const of = (truth: Int8Array) => truth.filter((_, i) => i % classes === c);
        for (const truth of [multiLabels!.train, multiLabels!.test]) {
          assertEquals(new Set(of(truth)), new Set([1, -1]), `class ${c} is there and not there`);
        }
      }
    } else if (classes <= 10) {
      assertEquals(new Set(train.labels).size, classes);
    }
    const again = await open(name, 100, 40);
    assertEquals([...again.train.pixels], [...train.pixels]);
    assertEquals(again.multiLabels, multiLabels);
  });
}

Deno.test("a few images of a made set are the first of many", async () => {
  for (const name of ["digits", "counting", "contents"] as const) {
    const [few, many] = [await open(name, 10, 5), await open(name, 30, 5)];
    assertEquals([...few.train.pixels], [
      ...many.train.pixels.subarray(0, few.train.pixels.length),
    ]);
  }
});

Deno.test("openFont() draws the outline of a character, and names what it cannot read", async () => {
  const path = new URL(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"));
  const file = await Deno.readFile(path);
  const font = openFont(file, "DejaVuSans");
  // A capital I is one rectangle; the dot of an i is a contour of its own, as are those of ö.
  const box = (character: string) => / width="(\d+)" height="(\d+)"/.exec(font.svg(character))!;
  assertEquals(font.svg("I").match(/[MLQZ]/g)!.join(""), "MLLL");
  assertEquals(box("I").slice(1), ["202", "1493"]); // of 2,048 units to the em
  assertEquals(["I", "i", "ö", "8"].map((c) => font.svg(c).match(/M/g)!.length), [1, 2, 4, 3]);
  assertThrows(() => font.svg("你"), RangeError, 'Cannot draw "你": DejaVuSans has no outline');
  assertThrows(() => font.svg(" "), RangeError, "has no outline");
  const open = () => openFont(new Uint8Array(64), "x");
  assertThrows(open, Error, "Cannot read the font x: Unsupported OpenType signature");
});
