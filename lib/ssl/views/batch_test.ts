import { imageNetStats, normalizeTable, type Raster, raster } from "lib/augment/mod.ts";
import golden from "lib/augment/golden/pillow.json" with { type: "json" };
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { createRng } from "lib/rng.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { cropBatch, emptyCropBatch } from "./batch.ts";
import type { CropRecipe } from "./crop_recipe.ts";
import { cropSource, imageOf } from "./crop_source.ts";
import { applyPlainView, applyView } from "./paint.ts";
import { sampleView, type ViewParams } from "./sample.ts";

const small: CropRecipe = { ...dinoCrops, globalSize: 12, localSize: 8, localCrops: 3 };

function noise(count: number, width: number, height: number, grey = false): ImageSet {
  const rng = createRng(count);
  const pixels = Uint8Array.from({ length: count * width * height * 3 }, () => rng.int(256));
  if (grey) {
    for (let i = 0; i < pixels.length; i += 3) pixels[i + 1] = pixels[i + 2] = pixels[i]!;
  }
  const ids = Array.from({ length: count }, (_, i) => `${i}`);
  return {
    name: "noise",
    width,
    height,
    pixels,
    labels: new Int32Array(count),
    classNames: ["noise"],
    ids,
  };
}

function decode(data: string): Uint8Array {
  return Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
}

for (const [index, { params: p, out }] of golden.chain.entries()) {
  Deno.test(`applyView() equals the chain of Pillow's ops within 2/255, draw ${index}`, () => {
    const [left, top, width, height] = p.box as [number, number, number, number];
    const params = {
      box: { left, top, width, height },
      flip: p.flip,
      jitter: p,
      grayscale: p.grayscale,
      blurRadius: p.blur ?? undefined,
      solarize: p.solarize,
    } as unknown as ViewParams;
    const { image } = golden;
    const source: Raster = raster(image.width, image.height, 3, decode(image.data));
    const actual = new Float32Array(1 + p.size ** 2 * 3);
    const plain = actual.slice();
    applyView(source, params, p.size, normalizeTable(imageNetStats), actual, 1);
    applyPlainView(source, params, p.size, normalizeTable(imageNetStats), plain, 1);
    assertEquals(actual, plain);
    const { mean, std } = imageNetStats;
    decode(out.data).forEach((expected, i) => {
      const byte = (actual[i + 1]! * std[i % 3]! + mean[i % 3]!) * 255;
      assertTrue(Math.abs(byte - expected) < 2, `[${i}] is ${byte}, Pillow's is ${expected}`);
    });
  });
}

for (const [width, height] of [[1, 1], [40, 2], [7, 90], [120, 90]] as const) {
  for (const grey of [false, true]) {
    Deno.test(`applyView() of ${width} x ${height}, ${grey ? "grey" : "colour"}, equals the plain ops to the last bit`, () => {
      const image = imageOf(cropSource(noise(1, width, height, grey)), 0);
      const values = normalizeTable(imageNetStats);
      const rng = createRng(9);
      for (let draw = 0; draw < 60; draw++) {
        const size = [8, 33, 64][draw % 3]!;
        const recipe = { ...dinoCrops, blurRadius: [0, draw % 2 ? 2 : 6] as const };
        const params = sampleView(rng.fork(draw), recipe, draw % 4, image);
        const { left, top, width, height } = params.box;
        const part = { left: left + 0.3, top: top + 0.6, width: width - 0.7, height: height - 0.9 };
        for (const box of [params.box, part]) {
          const [actual, plain] = [0, 0].map(() => new Float32Array(size * size * 3));
          applyView(image, { ...params, box }, size, values, actual!, 0);
          applyPlainView(image, { ...params, box }, size, values, plain!, 0);
          const wrong = plain!.findIndex((value, i) => value !== actual![i]);
          assertTrue(wrong < 0, `draw ${draw}: [${wrong}] differs`);
        }
      }
    });
  }
}

Deno.test("applyView() throws before it would read or write outside", () => {
  const image = imageOf(cropSource(noise(1, 5, 5)), 0);
  const params = sampleView(createRng(0), dinoCrops, 0, image);
  const view = (box: ViewParams["box"], room: number) => () =>
    applyView(
      image,
      { ...params, box },
      4,
      normalizeTable(imageNetStats),
      new Float32Array(room),
      1,
    );
  assertThrows(view(params.box, 48), RangeError, "Cannot write");
  assertThrows(view({ left: 2, top: 0, width: 3.5, height: 2 }, 49), RangeError, "3.5 x 2");
});

Deno.test("cropBatch() gives the same views for the same stream, other views for another", () => {
  const source = cropSource(noise(4, 16, 16));
  const [a, b, c] = [5, 5, 6].map((seed) => cropBatch(source, [0, 2, 3], small, createRng(seed)));
  assertEquals(a, b);
  assertTrue(a!.global.some((v, i) => v !== c!.global[i]), "another seed, the same crops");
});

Deno.test("cropBatch() writes view by view, and a view depends on its place only", () => {
  const source = cropSource(noise(4, 16, 16));
  const both = cropBatch(source, [1, 3], small, createRng(5));
  const one = cropBatch(source, [1], small, createRng(5));
  const length = { global: 12 * 12 * 3, local: 8 * 8 * 3 };
  for (const kind of ["global", "local"] as const) {
    const views = one[kind].length / length[kind];
    for (let view = 0; view < views; view++) {
      const start = view * 2 * length[kind];
      const expected = one[kind].slice(view * length[kind], (view + 1) * length[kind]);
      assertEquals(both[kind].slice(start, start + length[kind]), expected);
    }
  }
});

Deno.test("cropBatch() of a grey set goes through one channel and gives the very same views", () => {
  const grey = noise(6, 16, 16, true);
  const source = cropSource(grey);
  assertEquals(source.channels, 1);
  const colour = { ...source, pixels: grey.pixels, channels: 3 as const };
  const recipe = { ...small, localCrops: 6 };
  assertEquals(
    cropBatch(source, [0, 1, 2, 3, 4, 5], recipe, createRng(2)),
    cropBatch(colour, [0, 1, 2, 3, 4, 5], recipe, createRng(2)),
  );
});

for (const [width, height] of [[1, 1], [40, 2], [3, 64], [5, 5]] as const) {
  Deno.test(`cropBatch() makes finite views of ${width} x ${height} pixels`, () => {
    const source = cropSource(noise(3, width, height));
    const batch = cropBatch(source, [0, 1, 2], small, createRng(1));
    for (const views of [batch.global, batch.local]) {
      assertTrue(views.every(Number.isFinite), "a value is not finite");
      assertTrue(new Set(views).size > 3, "the views are empty");
    }
  });
}

Deno.test("sampleView() draws every option as often as DINO does", () => {
  const rng = createRng(11);
  const draws = 4000;
  const share = (view: number, of: (params: ViewParams) => boolean) => {
    let count = 0;
    const stream = rng.fork(`${view}${of}`);
    for (let i = 0; i < draws; i++) {
      if (of(sampleView(stream, dinoCrops, view, { width: 50, height: 40 }))) count++;
    }
    return count / draws;
  };
  const expectShare = (view: number, of: (params: ViewParams) => boolean, expected: number) => {
    const error = Math.sqrt(expected * (1 - expected) / draws);
    const actual = share(view, of);
    const close = Math.abs(actual - expected) <= 4 * error;
    assertTrue(close, `view ${view}: ${of} in ${actual}, expected ${expected}`);
  };
  for (const [view, blur, solarize] of [[0, 1, 0], [1, 0.1, 0.2], [2, 0.5, 0], [7, 0.5, 0]]) {
    expectShare(view!, (p) => p.flip, 0.5);
    expectShare(view!, (p) => p.jitter !== undefined, 0.8);
    expectShare(view!, (p) => p.grayscale, 0.2);
    expectShare(view!, (p) => p.blurRadius !== undefined, blur!);
    expectShare(view!, (p) => p.solarize, solarize!);
  }
});

Deno.test("sampleView() takes the scale of its view, and blurs by 0.1 to 2 pixels", () => {
  const rng = createRng(3);
  const size = { width: 400, height: 400 };
  for (const [view, low, high] of [[0, 0.4, 1], [1, 0.4, 1], [2, 0.05, 0.4]] as const) {
    const areas: number[] = [];
    for (let i = 0; i < 500; i++) {
      const { box, blurRadius = 1 } = sampleView(rng, dinoCrops, view, size);
      areas.push(box.width * box.height / 160000);
      assertTrue(blurRadius >= 0.1 && blurRadius < 2, `radius ${blurRadius}`);
    }
    assertTrue(Math.min(...areas) > low * 0.98 && Math.min(...areas) < low + 0.05, "too small");
    assertTrue(Math.max(...areas) < high * 1.02 && Math.max(...areas) > high * 0.85, "too large");
  }
});

Deno.test("cropBatch() throws on what it cannot follow", () => {
  const source = cropSource(noise(2, 4, 4));
  const crop = (indices: number[], change: Partial<CropRecipe>) => () =>
    cropBatch(source, indices, { ...small, ...change }, createRng(0));
  assertThrows(crop([2], {}), RangeError, `image 2 of "noise": it has 2 images`);
  assertThrows(crop([0], { globalSize: 0 }), RangeError, "globalSize");
  assertThrows(crop([0], { localCrops: -1 }), RangeError, "localCrops");
  assertThrows(crop([0], { localScale: [0.5, 0.4] }), RangeError, "localScale");
  assertThrows(crop([0], { flip: 2 }), RangeError, "between 0 and 1");
  const room = emptyCropBatch(3, small);
  assertThrows(
    () => cropBatch(source, [0], small, createRng(0), room),
    TypeError,
    "crops of 1 images",
  );
});
