/**
 * Measures how many views one core makes in a second: one iteration is one view, so the column
 * "iter/s" of `deno bench` says it. Other benchmarks go from a JPEG to all ten views.
 * `deno task bench:peers --only augment` compares with torchvision and Pillow.
 */
import sharp from "sharp";
import { normalizeTable, type Raster, raster } from "lib/augment/mod.ts";
import { decodePicture } from "lib/datasets/pictures/decode_picture.ts";
import { createRng } from "lib/rng.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import { emptyCropBatch, multiCrop } from "./batch.ts";
import { applyPlainView, applyView } from "./paint.ts";
import { sampleView, sampleViews } from "./sample.ts";
import { decodeShrunk } from "./shrink.ts";

/** A picture of smooth colours, an edge and some noise, roughly like a photograph. */
function picture(width: number, height: number, channels: 1 | 3): Raster {
  const rng = createRng(width);
  const image = raster(width, height, channels);
  for (let i = 0; i < image.data.length; i++) {
    const x = Math.floor(i / channels) % width / width;
    const y = Math.floor(i / channels / width) / height;
    const wave = 100 * Math.sin(9 * x + 5 * y + i % channels) + (x > y ? 40 : 0);
    image.data[i] = Math.min(Math.max(110 + wave + rng.normal(0, 5), 0), 255);
  }
  return image;
}

const cases = [
  { group: "32 pixels, as on a laptop", width: 32, height: 32, globalSize: 32, localSize: 32 },
  {
    group: "500 x 375 pixels, as ImageNet",
    width: 500,
    height: 375,
    globalSize: 224,
    localSize: 96,
  },
];
const values = normalizeTable(dinoCrops.stats);

for (const { group, width, height, globalSize, localSize } of cases) {
  for (const channels of [3, 1] as const) {
    const image = picture(width, height, channels);
    for (const [name, view] of [["first global", 0], ["second global", 1], ["local", 2]] as const) {
      const size = view < 2 ? globalSize : localSize;
      const out = new Float32Array(size * size * 3);
      const rng = createRng(1).fork(view);
      let n = 0;
      Deno.bench(`${name}, ${channels === 1 ? "grey" : "colour"}`, { group, n: 400 }, () => {
        const params = sampleView(rng.fork(n++), dinoCrops, view, image);
        applyView(image, params, size, values, out, 0);
      });
    }
  }
}

async function jpeg(width: number, height: number): Promise<Uint8Array> {
  const { data } = picture(width, height, 3);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await image.jpeg({ quality: 90 }).toBuffer());
}

for (const [width, height] of [[500, 375], [2000, 1500], [4000, 3000]] as const) {
  const bytes = await jpeg(width, height);
  const group = `a JPEG of ${width} x ${height} pixels to ten views`;
  const out = emptyCropBatch(1, dinoCrops);
  const n = width > 1000 ? 20 : 200;
  let calls = 0;
  const draw = (size: { width: number; height: number }) =>
    sampleViews(createRng(1).fork(calls++), dinoCrops, size);
  Deno.bench("decoded whole", { group, n }, async () => {
    const image = await decodePicture(bytes);
    multiCrop(image, draw(image), dinoCrops, out, 0, values);
  });
  Deno.bench("decoded at a fraction where boxes allow", { group, n }, async () => {
    const { image, views } = await decodeShrunk(bytes, dinoCrops, draw);
    multiCrop(image, views, dinoCrops, out, 0, values);
  });
}

for (const [name, apply] of Object.entries({ native: applyView, plain: applyPlainView })) {
  const image = picture(500, 375, 3);
  const out = new Float32Array(224 * 224 * 3);
  let n = 0;
  Deno.bench(name, { group: "native and plain, first global view of 500 x 375", n: 100 }, () => {
    const params = sampleView(createRng(n++), dinoCrops, 0, image);
    apply(image, params, 224, values, out, 0);
  });
}
