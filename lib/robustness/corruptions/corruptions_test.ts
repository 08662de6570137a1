/**
 * Corruptions compared with the reference (see golden/make_golden.py): value by value, and by their
 * distribution.
 */
import { inflateSync } from "node:zlib";
import { type Raster, raster } from "lib/augment/mod.ts";
import { createRng } from "lib/rng.ts";
import { corrupt, corruptWith } from "lib/robustness/corruptions/corruptions.ts";
import type { Draws } from "lib/robustness/filters/draws.ts";
import {
  type CorruptionName,
  corruptionNames,
  extraCorruptionNames,
  severities,
  type Severity,
} from "lib/robustness/corruptions/severities.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { formula } from "lib/testing/formula.ts";
import golden from "lib/robustness/golden/corruptions.json" with { type: "json" };

const allNames: readonly CorruptionName[] = [...corruptionNames, ...extraCorruptionNames];
const sampled = golden.sampled as readonly CorruptionName[];
const sizes = golden.sizes as unknown as readonly (readonly [number, number])[];

/** The same picture as `image` in golden/make_golden.py. */
function picture(height: number, width: number): Raster {
  const image = raster(width, height);
  const pixel = (y: number, x: number, c: number) => {
    if (y < Math.floor(height / 6) && x < width >> 2) return 90;
    if (y >= height >> 2 && y < height >> 1 && x >= width >> 2 && x < width >> 1) {
      return [250, 10, 10][c]!;
    }
    const t = (5 * x + 3 * y + 70 * c) % 512;
    const wave = t < 256 ? t : 511 - t;
    return Math.floor(wave * 4 / 5) + (7 * x + 13 * y + 5 * c) * (x + 3) % 23;
  };
  for (let i = 0; i < image.data.length; i++) {
    image.data[i] = pixel(Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3);
  }
  image.data.set([0, 0, 0], 0);
  image.data.set([255, 255, 255], (width - 1) * 3);
  image.data.set([0, 0, 255], (height - 1) * width * 3);
  image.data.set([1, 0, 0], (height * width - 1) * 3);
  return image;
}

/** Random numbers that Python draws in the same way. */
function formulaDraws(name: string): Draws {
  const values = formula(name, 200_000);
  let at = 0;
  const next = () => Math.min((values[at++]! + 1) / 2, 1 - 2 ** -24);
  return {
    uniform: (min = 0, max = 1) => min + (max - min) * next(),
    int: (count) => Math.floor(next() * count),
    normal: (mean = 0, std = 1) => {
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return mean + std * radius * Math.cos(2 * Math.PI * next());
    },
  };
}

const packed = inflateSync(Uint8Array.fromBase64(golden.samples));

/** Every 17th value of the reference's result. */
function samplesOf(size: number, name: CorruptionName, severity: Severity): Uint8Array {
  const counts = sizes.map(([height, width]) => Math.ceil(height * width * 3 / golden.stride));
  const before = counts.slice(0, size).reduce((sum, count) => sum + count * sampled.length * 5, 0);
  const index = sampled.indexOf(name) * 5 + severity - 1;
  const start = before + index * counts[size]!;
  return packed.subarray(start, start + counts[size]!);
}

for (const [size, [height, width]] of sizes.entries()) {
  for (const name of sampled) {
    Deno.test(`corrupt() by ${name} equals the reference within 1 of 255, ${height} × ${width}`, async () => {
      const image = picture(height, width);
      for (const severity of severities) {
        const draws = formulaDraws(`${name}/${severity}`);
        const { data } = await corruptWith(image, name, severity, draws);
        samplesOf(size, name, severity).forEach((expected, i) => {
          const actual = data[i * golden.stride]!;
          assertTrue(
            Math.abs(actual - expected) <= 1,
            `severity ${severity}, value ${i * golden.stride}: ${actual} is not ${expected}`,
          );
        });
      }
    });
  }
}

const [height, width] = sizes[0]!;
const original = picture(height, width);

/**
 * Mean difference from the original, mean absolute difference, and the spectrum of the difference
 * as make_golden.py has it.
 */
function measure({ data }: Raster) {
  const plane = new Float64Array(height * width);
  let [sum, absolute] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const difference = data[i]! - original.data[i]!;
    sum += difference;
    absolute += Math.abs(difference);
    plane[Math.floor(i / 3)]! += difference / 3;
  }
  return [sum / data.length, absolute / data.length, ...spectrumOf(plane)];
}

/** Mean power of each band. */
function spectrumOf(plane: Float64Array): number[] {
  const rows = transformed(plane, new Float64Array(plane.length));
  const [re, im] = transformed(...rows);
  const bands = golden.edges.slice(1).map((): number[] => []);
  for (let p = 0; p < plane.length; p++) {
    const [u, v] = [p % width, Math.floor(p / width)].map((k) => k > width / 2 ? k - width : k);
    const radius = Math.hypot(u!, v!) / width;
    const band = golden.edges.findLastIndex((edge) => radius >= edge);
    bands[band]?.push((re[p]! ** 2 + im[p]! ** 2) / plane.length);
  }
  return bands.map((powers) => powers.reduce((total, power) => total + power, 0) / powers.length);
}

/** The Fourier transform of the rows of a square, transposed: twice it is that of both axes. */
function transformed(re: Float64Array, im: Float64Array): [Float64Array, Float64Array] {
  const out: [Float64Array, Float64Array] = [
    new Float64Array(re.length),
    new Float64Array(re.length),
  ];
  for (let y = 0; y < width; y++) {
    for (let k = 0; k < width; k++) {
      let [a, b] = [0, 0];
      for (let x = 0; x < width; x++) {
        const [c, s] = [cosines[k * x % width]!, sines[k * x % width]!];
        a += re[y * width + x]! * c + im[y * width + x]! * s;
        b += im[y * width + x]! * c - re[y * width + x]! * s;
      }
      out[0][k * width + y] = a;
      out[1][k * width + y] = b;
    }
  }
  return out;
}

const angles = Array.from({ length: width }, (_, k) => 2 * Math.PI * k / width);
const cosines = Float64Array.from(angles, Math.cos);
const sines = Float64Array.from(angles, Math.sin);

const draws = 16;

/** Corruptions that draw random numbers; the others are compared value by value above. */
const random = allNames.filter((name) => golden.statistics[name][2]!.absoluteStd > 1e-9);

/**
 * Compares the means of 16 draws with those of 64 of the reference. Four standard errors are
 * allowed for chance, and 3 % of the mean absolute difference and 15 % of the power of a band on
 * top.
 */
for (const name of random) {
  Deno.test(`corrupt() by ${name} is distributed as the reference, mean, size and spectrum`, async () => {
    for (const severity of severities) {
      const expected = golden.statistics[name][severity - 1]!;
      const sums = new Float64Array(2 + expected.spectrum.length);
      for (let d = 0; d < draws; d++) {
        const rng = createRng(d).fork(name).fork(severity);
        measure(await corrupt(original, name, severity, rng)).forEach((value, i) => {
          sums[i]! += value / draws;
        });
      }
      const check = (what: string, actual: number, mean: number, std: number, slack: number) => {
        const allowed = 4 * std * Math.sqrt(1 / draws + 1 / golden.draws) + slack;
        assertTrue(
          Math.abs(actual - mean) <= allowed,
          `severity ${severity}, ${what}: ${actual} is not ${mean} within ${allowed}`,
        );
      };
      const slack = 0.03 * expected.absolute;
      check("mean", sums[0]!, expected.mean, expected.meanStd, slack);
      check("size", sums[1]!, expected.absolute, expected.absoluteStd, slack);
      expected.spectrum.forEach((power, band) => {
        const std = expected.spectrumStd[band]!;
        check(`band ${band}`, sums[2 + band]!, power, std, 0.15 * power);
      });
    }
  });
}

Deno.test("corrupt() gives the same bytes for the same stream, others for another, and leaves the image alone", async () => {
  assertEquals(random.length, 11);
  const before = original.data.slice();
  for (const name of allNames) {
    const run = async (seed: number) => (await corrupt(original, name, 3, createRng(seed))).data;
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    assertEquals(again, first);
    const differs = other.some((value, i) => value !== first[i]);
    assertEquals(differs, random.includes(name), name);
  }
  assertEquals(original.data, before);
});

Deno.test("corrupt() takes any size, and keeps it", async () => {
  for (const [height, width] of [[1, 1], [1, 9], [7, 2], [33, 21]] as const) {
    const image = picture(height, width);
    for (const name of allNames) {
      for (const severity of severities) {
        const out = await corrupt(image, name, severity, createRng(0));
        assertEquals([out.width, out.height, out.data.length], [width, height, width * height * 3]);
      }
    }
  }
});

Deno.test("corrupt() refuses what it does not know", async () => {
  const rng = createRng(0);
  const fails = (name: string, severity: number, text: string) =>
    assertRejects(
      () => corrupt(original, name as CorruptionName, severity as Severity, rng),
      RangeError,
      text,
    );
  await fails("rain", 1, 'by "rain": there are gaussian_noise, shot_noise');
  await fails("toString", 1, 'by "toString"');
  await fails("snow", 0, "severity is 1 to 5, current one is 0");
  await fails("snow", 2.5, "current one is 2.5");
  await assertRejects(() => corrupt(raster(4, 4, 1), "snow", 1, rng), TypeError, "need RGB");
});
