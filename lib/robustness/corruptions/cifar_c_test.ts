/**
 * Parts that only the severities for small pictures use; the corruptions themselves are compared
 * with the reference elsewhere.
 */
import { type Raster, raster } from "lib/augment/mod.ts";
import { createRng } from "lib/rng.ts";
import {
  corrupt,
  type CorruptionSeries,
  corruptWith,
  seriesForSide,
} from "lib/robustness/corruptions/corruptions.ts";
import { defocusBlur } from "lib/robustness/corruptions/defocus_blur.ts";
import { type Draws, drawsOf } from "lib/robustness/filters/draws.ts";
import { elasticAffine } from "lib/robustness/corruptions/elastic.ts";
import { frostSide, frostTexture } from "lib/robustness/filters/frost_texture.ts";
import {
  corruptionNames,
  extraCorruptionNames,
  severities,
} from "lib/robustness/corruptions/severities.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const side = 32;

/** Grey with a white disk off the middle, and some grain. */
function picture(of = side): Raster {
  const image = raster(of, of);
  const factor = of / side;
  for (let i = 0; i < image.data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % of, Math.floor(i / 3 / of)];
    image.data[i] = Math.hypot(x - 12 * factor, y - 18 * factor) < 7 * factor
      ? 230
      : 90 + (7 * x + 5 * y) % 11;
  }
  return image;
}

function difference(a: Raster, b: Raster): number {
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;
}

Deno.test("corrupt() as CIFAR-10-C changes a small picture, from the mildest to the strongest, and leaves something", async () => {
  const image = picture();
  for (const name of [...corruptionNames, ...extraCorruptionNames]) {
    const sizes: number[] = [];
    for (const severity of severities) {
      const rng = createRng(0).fork(name);
      sizes.push(difference(await corrupt(image, name, severity, rng, "CIFAR-10-C"), image));
    }
    const large = difference(await corrupt(image, name, 5, createRng(0), "ImageNet-C"), image);
    assertTrue(sizes.every((size) => size < 110), `${name}: ${sizes}`);
    assertTrue(sizes[4]! > 0.3, `${name}: ${sizes}`);
    if (name.endsWith("noise") || name === "defocus_blur" || name === "jpeg_compression") {
      assertTrue(sizes[0]! < sizes[4]! && sizes[4]! < large, `${name}: ${sizes}, then ${large}`);
    }
  }
});

/**
 * The reference's filter: the disk of a radius, blurred over 3 × 3, on the picture mirrored at its
 * edges.
 */
function naiveDefocus(image: Raster, radius: number, soft: number): number[] {
  const side = image.width;
  const reach = Math.floor(radius) + 1;
  const disk = (x: number, y: number) => Number(x * x + y * y <= radius * radius);
  const g = (d: number) => Math.exp(-d * d / (2 * soft * soft));
  const total = g(0) + 2 * g(1);
  let area = 0;
  for (let y = -reach; y <= reach; y++) for (let x = -reach; x <= reach; x++) area += disk(x, y);
  const weight = (x: number, y: number) => {
    let sum = 0;
    for (const dy of [-1, 0, 1]) {
      for (const dx of [-1, 0, 1]) sum += disk(x + dx, y + dy) * g(dx) * g(dy) / total ** 2;
    }
    return sum / area;
  };
  const inside = (at: number) => at < 0 ? -at : at >= side ? 2 * side - 2 - at : at;
  return Array.from(image.data, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
    let sum = 0;
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        sum += weight(dx, dy) * image.data[(inside(y + dy) * side + inside(x + dx)) * 3 + c]!;
      }
    }
    return sum;
  });
}

Deno.test("defocusBlur() by a part of a pixel equals the reference's filter, written out", () => {
  const image = picture();
  for (const [radius, soft] of [[0.3, 0.4], [0.5, 0.6], [1, 0.2], [1.5, 0.1]] as const) {
    const expected = naiveDefocus(image, radius, soft);
    const { data } = defocusBlur(image, radius, soft);
    data.forEach((value, i) =>
      assertTrue(Math.abs(value - expected[i]!) <= 1, `${radius}, ${i}: ${value}, ${expected[i]}`)
    );
  }
});

/** Random numbers from a list. */
function told(values: readonly number[]): Draws {
  let at = 0;
  return { ...drawsOf(createRng(0)), uniform: () => values[at++] ?? 0 };
}

Deno.test("elasticAffine() moves the picture with its three points", () => {
  const image = picture();
  const bend = { strength: 0, sigma: 0, jitter: 0.1 };
  const [right, down] = [2, -1];
  const all = [right, down, right, down, right, down]; // all points move alike: a shift
  const { data } = elasticAffine(image, bend, told(all));
  for (const [x, y] of [[10, 12], [20, 25], [5, 20]] as const) {
    const from = image.data[((y - down) * side + x - right) * 3]!;
    assertEquals(data[(y * side + x) * 3], from, `${x}, ${y}`);
  }
  // Only the point below right moves, to the right: the picture is sheared, the row of the other
  // two stays.
  const sheared = elasticAffine(image, bend, told([4, 0, 0, 0, 0, 0]));
  const row = (of: Raster, y: number) => of.data.slice(y * side * 3, (y + 1) * side * 3);
  const fixed = side / 2 - Math.floor(side / 3); // the row of the other two
  assertEquals(row(sheared, fixed), row(image, fixed));
  assertTrue(difference(sheared, image) > 1, "the rest is not");
});

Deno.test("frost() of a small picture is a fifth as fine", async () => {
  const black = raster(side, side);
  const draws: Draws = { ...drawsOf(createRng(0)), int: (count) => count === frostSide ? 3 : 0 };
  const { data } = await corruptWith(black, "frost", 1, draws, "CIFAR-10-C");
  const texture = frostTexture(0);
  for (const [x, y] of [[0, 0], [7, 2], [31, 31]] as const) {
    const from = ((3 + 5 * y) % frostSide * frostSide + (3 + 5 * x) % frostSide) * 3;
    assertEquals(data[(y * side + x) * 3], Math.trunc(0.2 * texture[from]! + 1e-6));
  }
});

Deno.test("corrupt() as Tiny-ImageNet-C lies between the severities for smaller and for larger pictures", async () => {
  const image = picture(64);
  const strongest = async (name: typeof corruptionNames[number], series: CorruptionSeries) =>
    difference(await corrupt(image, name, 5, createRng(0).fork(name), series), image);
  for (const name of corruptionNames) {
    const sizes: number[] = [];
    for (const severity of severities) {
      const rng = createRng(0).fork(name);
      sizes.push(difference(await corrupt(image, name, severity, rng, "Tiny-ImageNet-C"), image));
    }
    assertTrue(sizes.every((size) => size > 0 && size < 128), `${name}: ${sizes}`);
    if (!name.endsWith("noise") && name !== "defocus_blur" && name !== "jpeg_compression") continue;
    const [small, large] = [
      await strongest(name, "CIFAR-10-C"),
      await strongest(name, "ImageNet-C"),
    ];
    assertTrue(small < sizes[4]! && sizes[4]! < large, `${name}: ${small}, ${sizes[4]}, ${large}`);
  }
});

Deno.test("corrupt() as Tiny-ImageNet-C has the reference's parameters", async () => {
  // make_tinyimagenet_c.py written out, where a corruption has no random part.
  const image = picture(64);
  const contrasts = [0.4, 0.3, 0.2, 0.1, 0.05];
  const sums = [0, 0, 0];
  image.data.forEach((value, i) => sums[i % 3]! += value);
  const means = sums.map((sum) => 3 * sum / image.data.length);
  for (const severity of severities) {
    const { data } = await corrupt(image, "contrast", severity, createRng(0), "Tiny-ImageNet-C");
    const factor = contrasts[severity - 1]!;
    data.forEach((value, i) => {
      const mean = means[i % 3]!;
      const expected = mean + factor * (image.data[i]! - mean);
      assertTrue(Math.abs(value - expected) <= 1, `${severity}, ${i}: ${value}, ${expected}`);
    });
  }
  const expected = naiveDefocus(image, 1.5, 0.1);
  const { data } = await corrupt(image, "defocus_blur", 3, createRng(0), "Tiny-ImageNet-C");
  data.forEach((value, i) =>
    assertTrue(Math.abs(value - expected[i]!) <= 1, `${i}: ${value}, ${expected[i]}`)
  );
});

Deno.test("frost() of a picture of 64 pixels takes three pixels of ten, as the reference shrinks it", async () => {
  const black = raster(64, 64);
  const draws: Draws = { ...drawsOf(createRng(0)), int: (count) => count === frostSide ? 3 : 0 };
  const { data } = await corruptWith(black, "frost", 1, draws, "Tiny-ImageNet-C");
  const texture = frostTexture(0);
  for (const [x, y] of [[0, 0], [3, 1], [63, 62]] as const) {
    const at = (steps: number) => (3 + Math.floor(10 * steps / 3)) % frostSide;
    const from = (at(y) * frostSide + at(x)) * 3;
    assertEquals(data[(y * 64 + x) * 3], Math.trunc(0.3 * texture[from]! + 1e-6));
  }
});

Deno.test("seriesForSide() is the series whose own size is nearest", () => {
  assertEquals(
    [32, 45, 46, 64, 80, 96, 119, 120, 224, 512].map(seriesForSide),
    [
      ...Array(2).fill("CIFAR-10-C"),
      ...Array(5).fill("Tiny-ImageNet-C"),
      ...Array(3).fill("ImageNet-C"),
    ],
  );
});
