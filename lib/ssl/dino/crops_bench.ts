/** Views a second on one core: the column "iter/s" of `deno bench`, one iteration being one view, all ops included. */
import { normalizeTable, type Raster, raster } from "lib/augment/mod.ts";
import { createRng } from "lib/rng.ts";
import { applyView, dinoCrops, sampleView } from "lib/ssl/dino/crops.ts";

/** Smooth colours, an edge and some noise: neither flat nor all noise. */
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
