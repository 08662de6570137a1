import type { FieldOfKernel } from "lib/experiments/mod.ts";
import { toSvg } from "lib/report/draw/plot.ts";
import {
  contributionFrames,
  contributionImages,
  receptiveFieldFigure,
} from "lib/report/figures/receptive_field.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

function field(kernelSize: number, side: number, at: number): FieldOfKernel {
  const values = new Float64Array(side * side);
  values[at] = 1;
  values[0] = 1e-2;
  return { kernelSize, map: { side, values }, half: kernelSize, most: 2 * kernelSize };
}

Deno.test("contributionImages() is bright at the strongest, black far below it, between by decades", () => {
  const { width, height, pixels } = contributionImages([field(3, 4, 5), field(5, 4, 9)]);
  assertEquals([width, height, pixels.length], [4, 4, 2 * 4 * 4 * 3]);
  const light = (p: number) => pixels[3 * p]! + pixels[3 * p + 1]! + pixels[3 * p + 2]!;
  assertTrue(light(5) > light(0) && light(0) > light(1), `${light(5)}, ${light(0)}, ${light(1)}`);
  assertTrue(light(1) < 12, "nothing is black");
  assertEquals(light(16 + 9), light(5));
});

Deno.test("contributionImages() adds squares of pixels up where a map is large", () => {
  const { width, pixels } = contributionImages([field(3, 300, 300 * 299 + 299)]);
  assertEquals(width, 100);
  assertTrue(pixels.at(-3)! > 200, "the last square holds the last pixel");
});

Deno.test("contributionImages() refuses maps of two sizes, and none", () => {
  assertThrows(() => contributionImages([]), RangeError, "0 maps");
  assertThrows(() => contributionImages([field(3, 4, 0), field(3, 5, 0)]), RangeError, "one size");
});

Deno.test("receptiveFieldFigure() has a line for each share and a tick for each kernel", () => {
  const svg = toSvg(receptiveFieldFigure([field(3, 4, 5), field(15, 4, 5)]));
  for (const words of ["half of it", "nine tenths of it", ">3<", ">15<"]) {
    assertTrue(svg.includes(words), words);
  }
});

Deno.test("contributionFrames() has a frame for each kernel size, and says the sizes of the squares", async () => {
  const frames = await contributionFrames([field(3, 4, 5), field(5, 4, 9)]);
  assertEquals(frames.map(({ at }) => at), ["3×3", "5×5"]);
  assertTrue(
    /square of 5 pixels, nine tenths from one of 10$/.test(frames[1]!.says!),
    frames[1]!.says!,
  );
});
