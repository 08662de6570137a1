/** Sheets that a reader can act on, in a real browser. */
import type { Locator, Page } from "playwright-core";
import sharp from "sharp";
import { createRng } from "lib/rng.ts";
import { sliderOutput } from "lib/report/interactive/slider.ts";
import {
  type PatchPlace,
  type PatchSheet,
  similaritySheet,
} from "lib/report/sheets/patch_sheet.ts";
import { growthFrames } from "lib/report/sheets/growth_frames.ts";
import { imageMapOutput } from "lib/report/sheets/pointed_map.ts";
import { layOut } from "lib/report/sheets/picture_sheet.ts";
import { similarPatchesOutput } from "lib/report/sheets/similar_patches.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { findChromium, opened, part, saidIn } from "lib/testing/browser.ts";

const chromium = findChromium();
// Playwright's own processes and sockets end after the test that has used them.
const options = { ignore: chromium === undefined, sanitizeOps: false, sanitizeResources: false };

const rng = createRng(0).fork("sheet");
const images = {
  ...{ name: "two", height: 8, width: 8, pixels: new Uint8Array(2 * 8 * 8 * 3).fill(90) },
  ...{ labels: Int32Array.of(0, 1), classNames: ["left", "right"], ids: ["a", "b"] },
};

/** A map of five channels by chance, the same for both of a network's layers. */
function mapOf(name: string, side: number) {
  const values = Float32Array.from({ length: 2 * side * side * 5 }, () => rng.uniform());
  const features = { images: 2, height: side, width: side, channels: 5, values };
  return { name, layer: "last map", features };
}

const fine = [mapOf("A", 4), mapOf("B", 2)];
const coarse = [mapOf("A", 2), mapOf("B", 3)];
const sheet: PatchSheet = {
  images,
  blocks: [{ title: "one", maps: fine }, { title: "two", maps: coarse }],
};

/** The largest difference of any patch's colour from that in the still of the same patch. */
async function differenceFromStill(page: Page, place: PatchPlace): Promise<number> {
  const still = similaritySheet(sheet, place);
  const [layout, [w, h]] = [layOut(still), still.cell];
  const patches = still.rows.slice(1).flatMap(({ blocks }, row) =>
    blocks.flatMap((pictures, block) =>
      pictures.flatMap(({ image }, column) => {
        const [x, y] = layout.at(row + 1, block, column);
        const { width, height, pixels } = image!;
        return Array.from({ length: width * height }, (_, i) => ({
          x: x + (i % width + 0.5) * w / width,
          y: y + (Math.floor(i / width) + 0.5) * h / height,
          colour: [...pixels.subarray(3 * i, 3 * i + 3)],
        }));
      })
    )
  );
  assertEquals(patches.length, 2 * (16 + 4 + 4 + 9));
  const shown: number[][] = JSON.parse(
    await page.evaluate(
      `JSON.stringify(${JSON.stringify(patches)}.map(({ x, y }) =>
        [...document.querySelector("canvas").getContext("2d").getImageData(x, y, 1, 1).data]))`,
    ),
  );
  return Math.max(
    ...patches.flatMap(({ colour }, i) => colour.map((c, k) => Math.abs(c - shown[i]![k]!))),
  );
}

Deno.test(
  "every patch is coloured by its cosine with the one that is chosen, by pointer or by keyboard",
  options,
  async () => {
    const output = await similarPatchesOutput(sheet, { image: 0, y: 0.3, x: 0.3 });
    await opened([output], async (page) => {
      const differs = async (place: PatchPlace, expected: boolean) => {
        const difference = await differenceFromStill(page, place);
        assertTrue(difference < 16 === !expected, `${difference} levels from the still`);
      };
      await differs({ image: 0, y: 0.3, x: 0.3 }, false);
      await differs({ image: 1, y: 0.3, x: 0.3 }, true);
      const canvas = part(page, 0).locator("canvas");
      const { x, y } = (await canvas.boundingBox())!;
      const { at } = layOut(similaritySheet(sheet, { image: 0, y: 0, x: 0 }));
      const [left, top] = at(1, 0, 1); // network A, the second picture
      await page.mouse.move(x + left + 60, y + top + 12); // 96 pixels of 4 patches
      assertTrue(
        (await saidIn(page, 0)).startsWith("A, picture 2, row 1, column 3: cosine "),
        "it",
      );
      await page.mouse.click(x + left + 60, y + top + 12);
      assertTrue((await saidIn(page, 0)).includes("cosine 1.00"), await saidIn(page, 0));
      await page.mouse.move(0, 0);
      await differs({ image: 1, y: 0.1, x: 0.6 }, false);

      await canvas.focus();
      for (const key of ["ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowLeft"]) {
        await page.keyboard.press(key); // beyond its left edge the second picture is the first
      }
      assertTrue(
        (await saidIn(page, 0)).startsWith("A, picture 1, row 2, column 4: "),
        "the first",
      );
      await differs({ image: 0, y: 0.4, x: 0.9 }, true);
      await page.keyboard.press("Enter");
      await page.keyboard.press("Escape");
      await differs({ image: 0, y: 0.4, x: 0.9 }, false);
      for (const key of ["ArrowUp", "ArrowUp"]) await page.keyboard.press(key);
      assertTrue(
        (await saidIn(page, 0)).startsWith("Original of picture 1, row 4, column 4"),
        "up",
      );
    });
  },
);

Deno.test("without a script a sheet stands there, which says what is framed", options, async () => {
  const output = await similarPatchesOutput(sheet, { image: 1, y: 0.3, x: 0.3 });
  const bare = output["text/html"]!.replace(/<script>[^]*?<\/script>/g, "");
  await opened([{ "text/html": bare }], async (page) => {
    assertTrue((await part(page, 0).locator("img").boundingBox())!.height > 300, "the sheet");
    assertTrue((await saidIn(page, 0)).includes("framed one, of picture 2"), "in words");
  });
});

Deno.test(
  "pictures as training goes on: the arrow keys go from moment to moment, in light and dark",
  options,
  async () => {
    const heat = { height: 8, width: 8, values: new Float32Array(64).fill(0.5) };
    const names = ["epoch 0", "epoch 1", "epoch 20"];
    const growth = {
      images,
      maps: names.map((name) => mapOf(name, 4)),
      rows: names.map((name) => ({ name, layers: ["last map"], eigenCam: [heat, heat] })),
    };
    const frames = await growthFrames(growth, { image: 0, y: 0.3, x: 0.3 });
    const output = sliderOutput(frames, { label: "trained up to", start: 0 });
    await opened([output], async (page) => {
      const shown = async () => ({
        at: await part(page, 0).locator("output").innerText(),
        alt: await part(page, 0).locator("img").getAttribute("alt"),
        drawn: await part(page, 0).locator("img").screenshot(),
      });
      const seen = [await shown()];
      await page.keyboard.press("Tab");
      for (const key of ["ArrowRight", "ArrowRight", "ArrowRight"]) { // the last one stays
        await page.keyboard.press(key);
        seen.push(await shown());
      }
      assertEquals(seen.map(({ at }) => at), [...names, names[2]!]);
      const { says } = frames[0]!;
      assertEquals(
        seen.slice(0, 3).map(({ alt }) => alt),
        names.map((at) => `trained up to ${at}: ${says}`),
      );
      const pictures = seen.map(({ drawn }) => drawn.toString("base64"));
      assertEquals([new Set(pictures).size, pictures[3] === pictures[2]], [3, true]);
      await page.evaluate("document.documentElement.dataset.theme = 'dark'");
      const { data } = await sharp((await shown()).drawn).extract({
        ...{ left: 10, top: 10, width: 1, height: 1 },
      }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      assertEquals([...data], [255, 255, 255]); // the picture stands on white
      const slider = part(page, 0).getByRole("slider");
      assertEquals(await slider.getAttribute("aria-valuetext"), `epoch 20: ${says}`);
    });
  },
);

/** The colour of an element's middle, as the browser draws it. */
async function colourOf(element: Locator): Promise<number[]> {
  const { data, info } = await sharp(await element.screenshot()).removeAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  const from = (Math.floor(info.height / 2) * info.width + Math.floor(info.width / 2)) * 3;
  return [...data.subarray(from, from + 3)];
}

Deno.test(
  "a point shows its picture, class and id under the pointer, and by the arrow keys from left to right",
  options,
  async () => {
    const colours = [[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0], [0, 250, 250]];
    const five = {
      ...{ name: "five", height: 80, width: 80 }, // reduced to 64
      pixels: Uint8Array.from(colours.flatMap((rgb) => Array(80 * 80).fill(rgb).flat())),
      ...{ labels: Int32Array.of(0, 1, 2, 1, 0), classNames: ["zero", "one", "two"] },
      ids: ["a", "b", "c", "d", "e"],
    };
    const points = [[3, 0], [1, 5], [9, 9], [0, 2], [6, 4]] as const; // from the left: d b a e c
    const output = await imageMapOutput(five, points);
    await opened([output], async (page) => {
      const tip = page.locator(".bcssl-figure .tip");
      const shows = async (image: number) => {
        const { ids, labels, classNames } = five;
        assertEquals(await tip.innerText(), `${classNames[labels[image]!]}\n${ids[image]}`);
        const shown = await colourOf(tip.locator(".picture"));
        const off = Math.max(...shown.map((c, k) => Math.abs(c - colours[image]![k]!)));
        assertTrue(off < 12, `picture ${image} is ${shown}`);
      };
      const svg = page.locator(".bcssl-figure > svg");
      const { x, y } = (await svg.boundingBox())!;
      await page.mouse.move(x + 712, y + 712); // the largest x and y: half a rim from the edges
      await shows(2);
      await page.mouse.move(x + 360, y + 100);
      assertTrue(await tip.isHidden(), "put away");
      await svg.focus();
      for (const image of [3, 1, 0, 4, 2, 2]) {
        await page.keyboard.press("ArrowRight");
        await shows(image);
      }
      await page.setContent(output["text/html"]!.replace(/<script>[^]*?<\/script>/g, ""));
      assertTrue((await page.locator("img").boundingBox())!.height > 720, "a still");
    });
  },
);
