import sharp from "sharp";
import { encodeMask } from "lib/datasets/coco/rle.ts";
import { detectionSheet, type DrawnPicture } from "lib/report/sheets/detection_sheet.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

/** A black picture of 40 × 20 pixels, with an object in its right half. */
function picture(height = 20, channels: 1 | 3 = 3): DrawnPicture {
  const mask = Uint8Array.from({ length: 40 * height }, (_, p) => p % 40 >= 20 ? 1 : 0);
  return {
    picture: { data: new Uint8Array(40 * height * channels), width: 40, height, channels },
    objects: [
      {
        name: "a <class>",
        score: 0.9,
        box: [20, 0, 20, height],
        mask: encodeMask(mask, height, 40),
      },
    ],
  };
}

async function pixelsOf(png: Uint8Array) {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray(3 * (y * info.width + x)).subarray(0, 3)];
  return { ...info, at };
}

Deno.test("detectionSheet() lays half of a class's colour on its mask, a box around it, and leaves the rest", async () => {
  const drawn = await pixelsOf(
    await detectionSheet([picture(), picture(40, 1)], { columns: 2, width: 160 }),
  );
  assertEquals([drawn.width, drawn.height], [6 + 2 * 166, 6 + 160 + 6]);
  for (const left of [6, 6 + 166]) {
    assertEquals(drawn.at(left + 30, 6 + 60), [0, 0, 0]);
    assertEquals(drawn.at(left + 120, 6 + 60), [0, 57, 89]); // half of #0072B2
  }
  assertEquals(drawn.at(6 + 80, 6 + 60), [0, 114, 178]); // the box's left side
  assertEquals(drawn.at(80, 6 + 120), [255, 255, 255]); // below the lower picture
});

Deno.test("detectionSheet() writes names and scores; without a score, less", async () => {
  const white = async (drawn: DrawnPicture) => {
    const { at } = await pixelsOf(await detectionSheet([drawn], { columns: 1, width: 200 }));
    const row = Array.from({ length: 200 }, (_, x) => x + 6);
    return row.filter((x) => [9, 11, 13, 15].some((y) => Math.min(...at(x, y)) > 200)).length;
  };
  const [scored] = picture().objects;
  const { score: _, ...annotated } = scored!;
  const [none, name, both] = [[], [annotated], [scored!]].map((objects) => ({
    ...picture(),
    objects,
  }));
  const widths = await Promise.all([none!, name!, both!].map(white));
  assertEquals(widths[0], 0);
  assertTrue(widths[1]! > 20 && widths[2]! > widths[1]! + 10, `widths ${widths}`);
});

Deno.test("detectionSheet() refuses no picture, and half a column", async () => {
  await assertRejects(() => detectionSheet([], { columns: 1 }), RangeError, "0 pictures");
  await assertRejects(
    () => detectionSheet([picture()], { columns: 0.5 }),
    RangeError,
    "0.5 columns",
  );
});
