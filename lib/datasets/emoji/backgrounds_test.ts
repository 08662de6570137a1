import { drawBackground, drawBackgroundPool, poolSize } from "./backgrounds.ts";
import { drawTexture } from "lib/datasets/pictures/texture.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const size = 32;
const mean = [128, 100, 150] as const;
const pool = drawBackgroundPool(createRng(0), size, mean);

/** Mean and variance of each channel over some columns of an image `[S, S, 3]`. */
function statistics(pixels: Uint8Array, fromColumn: number, toColumn: number): number[] {
  const columns = [0, 1, 2].map((c) =>
    Array.from({ length: pixels.length / 3 }, (_, p) => p).filter((p) =>
      p % size >= fromColumn && p % size < toColumn
    ).map((p) => pixels[p * 3 + c]!)
  );
  return columns.flatMap((values) => {
    const m = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - m) ** 2, 0) / values.length;
    return [m, Math.sqrt(variance)];
  });
}

/** Index of the row nearest to a point. */
function nearest(point: readonly number[], rows: readonly (readonly number[])[]): number {
  const distances = rows.map((row) => row.reduce((sum, v, d) => sum + (v - point[d]!) ** 2, 0));
  return distances.indexOf(Math.min(...distances));
}

/** Share of images whose right half is found among all right halves by their left half. */
function foundByOtherHalf(draw: (rng: Rng) => Uint8Array, count: number): number {
  const images = Array.from({ length: count }, (_, i) => draw(createRng(1).fork(i)));
  const right = images.map((pixels) => statistics(pixels, size / 2, size));
  const hits = images.filter((pixels, i) => nearest(statistics(pixels, 0, size / 2), right) === i);
  return hits.length / count;
}

function background(rng: Rng): Uint8Array {
  const pixels = new Uint8Array(size * size * 3);
  drawBackground(rng, pool, pixels);
  return pixels;
}

Deno.test("all textures of a pool have the same mean colour and the same contrast", () => {
  assertEquals(pool.textures.length, poolSize);
  const contrasts = pool.textures.map((texture) => {
    const square = texture.reduce((sum, value, i) => sum + (value - mean[i % 3]!) ** 2, 0);
    return Math.sqrt(square / texture.length);
  });
  assertClose(contrasts, contrasts.map(() => 28), 0.05);
  for (const texture of pool.textures) {
    const sums = [0, 0, 0];
    texture.forEach((value, i) => sums[i % 3]! += value);
    assertClose(sums.map((sum) => 3 * sum / texture.length), mean, 0.01);
  }
});

Deno.test("a background does not tell which image it belongs to, as a texture of its own would", () => {
  const count = 320;
  const own = foundByOtherHalf((rng) => drawTexture(rng, size, size), count);
  const shared = foundByOtherHalf(background, count);
  // Whoever knows the texture still has ten images to choose from.
  assertTrue(shared <= poolSize / count, `${shared} of the images are found by their background`);
  assertTrue(own > 2 * shared, `${own} are found by a texture of their own`);
});

Deno.test("drawBackground() takes every texture, at many offsets, the same for the same stream", () => {
  const images = Array.from({ length: 200 }, (_, i) => background(createRng(2).fork(i)).toBase64());
  assertEquals(background(createRng(2).fork(7)).toBase64(), images[7]);
  assertEquals(new Set(images).size, images.length);
  const windows = pool.textures.map((texture) => {
    const rows = Array.from(
      { length: pool.side },
      (_, y) => texture.subarray(y * pool.side * 3, (y + 1) * pool.side * 3).toHex(),
    );
    return (image: string) => {
      const first = Uint8Array.fromBase64(image).subarray(0, size * 3).toHex();
      return rows.some((row) => row.indexOf(first) % 6 === 0);
    };
  });
  const used = windows.filter((holds) => images.some(holds));
  assertEquals(used.length, poolSize);
});

Deno.test("textures of another image size show the same pattern", () => {
  const twice = drawBackgroundPool(createRng(0), 2 * size, mean);
  const correlations = pool.textures.map((texture, i) => {
    const large = twice.textures[i]!;
    const [S, L] = [pool.side, twice.side];
    let [xy, xx, yy] = [0, 0, 0];
    for (let p = 0; p < S * S; p++) {
      const at = 2 * Math.floor(p / S) * L + 2 * (p % S);
      for (let c = 0; c < 3; c++) {
        const four = [at, at + 1, at + L, at + L + 1].map((q) => large[q * 3 + c]! - mean[c]!);
        const [x, y] = [texture[p * 3 + c]! - mean[c]!, four.reduce((a, b) => a + b) / 4];
        [xy, xx, yy] = [xy + x * y, xx + x * x, yy + y * y];
      }
    }
    return xy / Math.sqrt(xx * yy);
  });
  assertTrue(Math.min(...correlations) > 0.6, `correlations are ${correlations}`);
});
