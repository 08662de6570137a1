import sharp from "sharp";
import type { CamScoreRow, CamSheet } from "lib/experiments/mod.ts";
import { camScoreTable, hotAreaFigure } from "lib/report/figures/cam_scores.ts";
import { camFrames, camSheetPng } from "lib/report/sheets/cam_sheet.ts";
import { colourMap } from "lib/report/draw/colour_maps.ts";
import { overlayHeatmap } from "lib/report/draw/heatmap_overlay.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";

Deno.test("overlayHeatmap() in jet equals pytorch-grad-cam's show_cam_on_image to 1/255", () => {
  const { height, width, drawn } = JSON.parse(
    Deno.readTextFileSync(new URL("golden/overlay.json", import.meta.url)),
  );
  const count = height * width;
  const values = Float32Array.from({ length: count }, (_, p) => p / (count - 1));
  const picture = Uint8Array.from({ length: count * 3 }, (_, i) => i * 37 % 256);
  const ours = overlayHeatmap(picture, { height, width, values }, { colours: "jet" });
  const worst = drawn.reduce(
    (w: number, v: number, i: number) => Math.max(w, Math.abs(v - ours[i]!)),
    0,
  );
  assertTrue(worst <= 1, `differs by ${worst}`);
});

Deno.test("overlayHeatmap() by default dims what is cold and lights what is hot, in even steps of lightness", () => {
  const grey = new Uint8Array(2 * 3).fill(100);
  const map = { height: 1, width: 2, values: Float32Array.of(0, 1) };
  const [cold, , , hot] = overlayHeatmap(grey, map);
  assertTrue(hot! > cold! + 80, `${cold} and ${hot}`);
  assertThrows(() => overlayHeatmap(grey.subarray(3), map), TypeError, "need 1·2·3");
  const lightness = (["inferno", "magma"] as const).map((name) =>
    colourMap(name).map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b)
  );
  for (const levels of lightness) {
    assertEquals(levels.length, 256);
    assertTrue(levels.every((level, i) => i < 4 || level > levels[i - 4]!), "it rises");
  }
  const jet = colourMap("jet");
  assertEquals([jet[0], jet[127], jet[255]], [[0, 0, 128], [126, 255, 130], [128, 0, 0]]);
  assertThrows(() => colourMap("hot" as "jet"), RangeError, 'Unknown colours "hot"');
});

/**
 * Two pictures of 8 × 4 pixels, white; maps that are hot on the left half (Grad-CAM) or the right
 * one (Eigen-CAM).
 */
function sheet(): CamSheet {
  const [width, height] = [8, 4];
  const half = (left: boolean) => ({
    width,
    height,
    values: Float32Array.from({ length: 32 }, (_, p) => (p % 8 < 4) === left ? 1 : 0),
  });
  const gradCam = [0, 1].map(() => ({ ...half(true), classIndex: 3, className: "a <class>" }));
  return {
    images: {
      name: "two",
      width,
      height,
      pixels: new Uint8Array(2 * 32 * 3).fill(255),
      labels: Int32Array.of(-1, 0),
      classNames: ["apple"],
      ids: ["a.png", "b.png"],
    },
    rows: [
      { name: "with", layers: ["stages.1.2"], gradCam, eigenCam: [half(false), half(false)] },
      { name: "without & none", layers: ["blocks.1"], eigenCam: [half(false), half(false)] },
    ],
  };
}

Deno.test("camSheetPng() has pictures above, a row for each network, and for each method a column for each picture", async () => {
  const png = await camSheetPng(sheet(), { side: 40 });
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const light = (x: number, y: number) => {
    const at = (Math.round(y) * info.width + Math.round(x)) * 3;
    return (data[at]! + data[at + 1]! + data[at + 2]!) / 3;
  };
  // 14 letters; twice as wide as high
  const [left, top, cell, row] = [10 + 8 * 14 + 4, 42, 80, 40 + 16 + 4];
  const block = 2 * (cell + 4) - 4 + 22;
  const halves = (r: number, b: number, column: number) =>
    [0.25, 0.75].map((x) =>
      light(left + b * block + column * (cell + 4) + x * cell, top + r * row + 20)
    );
  for (const b of [0, 1]) for (const c of [0, 1]) assertEquals(halves(0, b, c), [255, 255]);
  for (const column of [0, 1]) {
    const [hot, cold] = halves(1, 0, column);
    assertTrue(hot! > cold! + 60, `Grad-CAM ${hot}, ${cold}`);
    for (const r of [1, 2]) {
      const [dark, bright] = halves(r, 1, column);
      assertTrue(bright! > dark! + 60, `Eigen-CAM ${dark}, ${bright}`);
    }
    assertEquals(halves(2, 0, column), [255, 255]); // nothing to draw
  }
  assertEquals(info.height, top + 3 * row + 26 + 10);
});

Deno.test("camSheetPng() is wide enough for its scale of colours, and refuses an empty sheet", async () => {
  const { images, rows } = sheet();
  const one = { ...images, ids: ["a"], labels: Int32Array.of(-1), pixels: new Uint8Array(96) };
  const { width } = await sharp(await camSheetPng({ images: one, rows }, { side: 10 })).metadata();
  assertTrue(width! >= 330, `${width}`);
  await assertRejects(() => camSheetPng({ images, rows: [] }), RangeError, "0 networks");
  await assertRejects(() => camSheetPng(sheet(), { side: 0 }), RangeError, "0 pixels high");
});

function scoreRow(kernelSize: number | null, hot: number): CamScoreRow {
  const mean = (value: number) => ({ n: 9, mean: value, standardError: 0.01 });
  const scores = {
    pointing: mean(0.5),
    iou: mean(0.25),
    energy: mean(0.6),
    covered: mean(0.3),
    hotArea: mean(hot),
    objectArea: mean(0.4),
  };
  const layers = ["stages.1.2"];
  return { name: `k${kernelSize}`, method: "Grad-CAM", layers, kernelSize, threshold: 0.5, scores };
}

Deno.test("camScoreTable() has a row for each network and method, in percent", () => {
  const [row] = camScoreTable([scoreRow(3, 0.1)]) as Record<string, unknown>[];
  assertEquals([row!.network, row!.method, row!.images, row!["hot from"]], [
    "k3",
    "Grad-CAM",
    9,
    0.5,
  ]);
  assertClose([row!["IoU (%)"], row!["IoU ± s.e."], row!["image hot (%)"]] as number[], [
    25,
    1,
    10,
  ]);
});

Deno.test("hotAreaFigure() draws each network, and a line through the means of each kernel size", () => {
  const rows = [scoreRow(9, 0.3), scoreRow(3, 0.1), scoreRow(3, 0.2), scoreRow(null, 0.9)];
  const svg = toSvg(hotAreaFigure([...rows, { ...scoreRow(9, 0.31), method: "Eigen-CAM" }]));
  for (const words of [">3<", ">9<", "Grad-CAM", "Eigen-CAM", "the object"]) {
    assertTrue(svg.includes(words), words);
  }
  const [, line] = /<path d="M([^"]*)" stroke="#0072B2"/.exec(svg)!;
  const [x, y] = line!.split(/[,L]/).map(Number);
  assertEquals(x, 56); // the first kernel, though its rows come later
  // the object's 40 % is the highest
  const height = (percent: number) => 276 - (276 - 20) * percent / 40;
  assertTrue(
    Math.abs(y! - height(15)) < 2,
    `the mean of 10 and 20 % is at ${y}, not ${height(15)}`,
  );
  assertThrows(() => hotAreaFigure([scoreRow(null, 0.1)]), RangeError, "with a kernel size");
});

Deno.test("camFrames() has one sheet for each network, all of one size", async () => {
  const both = sheet();
  const frames = await camFrames({
    ...both,
    rows: [both.rows[0]!, { ...both.rows[0]!, name: "B" }],
  });
  assertEquals(frames.map(({ at }) => at), [both.rows[0]!.name, "B"]);
  const heights = frames.map(async ({ picture }) =>
    (await sharp(picture as Uint8Array).metadata()).height
  );
  assertEquals(new Set(await Promise.all(heights)).size, 1);
});
