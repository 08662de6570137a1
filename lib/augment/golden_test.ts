/** Compares every op with Pillow, to the last bit (see golden/make_golden.py). */
import {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  type Box,
  flipHorizontal,
  gaussianBlur,
  type JitterOp,
  type Raster,
  raster,
  resizedCrop,
  shiftHue,
  solarize,
  toGrayscale,
} from "./mod.ts";
import { assertTrue } from "lib/testing/assert.ts";
import golden from "lib/augment/golden/pillow.json" with { type: "json" };

interface Encoded {
  readonly width: number;
  readonly height: number;
  readonly data: string;
}

function decode({ width, height, data }: Encoded): Raster {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return raster(width, height, bytes.length === width * height ? 1 : 3, bytes);
}

function assertSame(actual: Raster, expected: Encoded): void {
  const { data } = decode(expected);
  assertTrue(data.length === actual.data.length, `expected ${data.length} values`);
  const wrong = data.findIndex((value, i) => value !== actual.data[i]);
  assertTrue(wrong < 0, `value ${wrong} is ${actual.data[wrong]}, Pillow's is ${data[wrong]}`);
}

const boxOf = ([left, top, width, height]: readonly number[]): Box => ({
  left: left!,
  top: top!,
  width: width!,
  height: height!,
});

const adjust: Record<JitterOp, (image: Raster, factor: number) => void> = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  saturation: adjustSaturation,
  hue: shiftHue,
};

for (const { op, factor, out } of golden.jitter) {
  Deno.test(`${op} by ${factor} equals Pillow's`, () => {
    const image = decode(golden.image);
    adjust[op as JitterOp](image, factor);
    assertSame(image, out);
  });
}

for (const { box, out } of golden.crop) {
  Deno.test(`resizedCrop() of ${box} to ${out.width} pixels equals Pillow's`, () => {
    const crop = raster(out.width, out.height);
    resizedCrop(decode(golden.image), boxOf(box), crop);
    assertSame(crop, out);
  });
}

for (const { box, out } of golden.bilinear) {
  Deno.test(`resizedCrop() of ${box} to ${out.width} pixels, bilinear, equals Pillow's`, () => {
    const crop = raster(out.width, out.height);
    resizedCrop(decode(golden.image), boxOf(box), crop, "bilinear");
    assertSame(crop, out);
  });
}

for (const { radius, in: input, out } of golden.blur) {
  Deno.test(`gaussianBlur() of ${out.width} x ${out.height} by ${radius} equals Pillow's`, () => {
    const image = decode(input);
    gaussianBlur(image, radius);
    assertSame(image, out);
  });
}

Deno.test("toGrayscale(), flipHorizontal() and solarize() equal Pillow's", () => {
  const image = decode(golden.image);
  const grey = raster(image.width, image.height, 1);
  toGrayscale(image, grey);
  assertSame(grey, golden.luma);
  flipHorizontal(image);
  assertSame(image, golden.flip);
  flipHorizontal(image);
  solarize(image);
  assertSame(image, golden.solarize);
});
