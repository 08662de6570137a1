/**
 * Severities of Tiny-ImageNet-C (Hendrycks & Dietterich 2019), for pictures of 64 pixels: the
 * values of `make_tinyimagenet_c.py` by the same authors. They lie between those for 32 and for 224
 * pixels.
 */
import { gaussianBlur, glassBlur } from "lib/robustness/corruptions/blur.ts";
import { brightness, contrast, saturate } from "lib/robustness/corruptions/colour.ts";
import { defocusBlur } from "lib/robustness/corruptions/defocus_blur.ts";
import { jpegCompression, pixelate } from "lib/robustness/corruptions/digital.ts";
import { elasticAffine } from "lib/robustness/corruptions/elastic.ts";
import { motionBlur } from "lib/robustness/corruptions/motion_blur.ts";
import {
  gaussianNoise,
  impulseNoise,
  shotNoise,
  speckleNoise,
} from "lib/robustness/corruptions/noise.ts";
import { type CorruptionTable, five } from "lib/robustness/corruptions/severities.ts";
import { type Spatter, spatter } from "lib/robustness/corruptions/spatter.ts";
import { fog, frost, snow } from "lib/robustness/corruptions/weather.ts";
import { zoomBlur } from "lib/robustness/corruptions/zoom_blur.ts";

type Pair = readonly [number, number];
type Triple = readonly [number, number, number];
type Six = readonly [number, number, number, number, number, Spatter["liquid"]];
type Seven = readonly [number, number, number, number, number, number, number];

/** The corruptions with the reference's parameters. */
export const tinyImageNetC: CorruptionTable = {
  gaussian_noise: five(gaussianNoise, [0.04, 0.08, 0.12, 0.15, 0.18]),
  shot_noise: five(shotNoise, [250, 100, 50, 30, 15]),
  impulse_noise: five(impulseNoise, [0.01, 0.02, 0.05, 0.08, 0.14]),
  defocus_blur: five<Pair>(
    (image, [radius, soft]) => defocusBlur(image, radius, soft),
    [[0.5, 0.6], [1, 0.1], [1.5, 0.1], [2.5, 0.01], [3, 0.1]],
  ),
  glass_blur: five<Triple>(
    (image, [sigma, reach, rounds], draws) => glassBlur(image, sigma, reach, rounds, draws),
    [[0.1, 1, 1], [0.5, 1, 1], [0.6, 1, 2], [0.7, 2, 1], [0.9, 2, 2]],
  ),
  motion_blur: five<Pair>(
    (image, [radius, sigma], draws) => motionBlur(image, radius, sigma, draws),
    [[10, 1], [10, 1.5], [10, 2], [10, 2.5], [12, 3]],
  ),
  zoom_blur: five<Pair>(
    (image, [stop, step]) => zoomBlur(image, 1, stop, step),
    [[1.06, 0.01], [1.11, 0.01], [1.16, 0.01], [1.21, 0.01], [1.26, 0.01]],
  ),
  snow: five<Seven>(
    (image, [mean, std, zoom, threshold, radius, sigma, keep], draws) =>
      snow(image, { mean, std, zoom, threshold, radius, sigma, keep }, draws),
    [
      [0.1, 0.2, 1, 0.6, 8, 3, 0.8],
      [0.1, 0.2, 1, 0.5, 10, 4, 0.8],
      [0.15, 0.3, 1.75, 0.55, 10, 4, 0.7],
      [0.25, 0.3, 2.25, 0.6, 12, 6, 0.65],
      [0.3, 0.3, 1.25, 0.65, 14, 12, 0.6],
    ],
  ),
  frost: five<Pair>(
    (image, [keep, weight], draws) => frost(image, keep, weight, draws, { every: 10 / 3 }),
    [[1, 0.3], [0.9, 0.4], [0.8, 0.45], [0.75, 0.5], [0.7, 0.55]],
  ),
  fog: five<Pair>(
    (image, [weight, decay], draws) => fog(image, weight, decay, draws),
    [[0.4, 3], [0.7, 3], [1, 2.5], [1.5, 2], [2, 1.75]],
  ),
  brightness: five(brightness, [0.1, 0.2, 0.3, 0.4, 0.5]),
  contrast: five(contrast, [0.4, 0.3, 0.2, 0.1, 0.05]),
  elastic_transform: five<Triple>(
    (image, [strength, sigma, jitter], draws) =>
      elasticAffine(image, { strength, sigma, jitter }, draws),
    [[0, 0, 0.08], [0.05, 0.3, 0.06], [0.1, 0.08, 0.06], [0.1, 0.03, 0.03], [0.16, 0.03, 0.02]],
  ),
  pixelate: five(pixelate, [0.9, 0.8, 0.7, 0.6, 0.5]),
  jpeg_compression: five(jpegCompression, [65, 58, 50, 40, 25]),
  speckle_noise: five(speckleNoise, [0.15, 0.2, 0.25, 0.3, 0.35]),
  gaussian_blur: five(gaussianBlur, [0.5, 0.75, 1, 1.25, 1.5]),
  spatter: five<Six>(
    (image, [mean, std, sigma, threshold, amount, liquid], draws) =>
      spatter(image, { mean, std, sigma, threshold, amount, liquid }, draws),
    [
      [0.62, 0.1, 0.7, 0.7, 0.6, "water"],
      [0.65, 0.1, 0.8, 0.7, 0.6, "water"],
      [0.65, 0.3, 1, 0.69, 0.6, "water"],
      [0.65, 0.1, 0.7, 0.68, 0.6, "mud"],
      [0.65, 0.1, 0.5, 0.67, 0.6, "mud"],
    ],
  ),
  saturate: five<Pair>(
    (image, [factor, shift]) => saturate(image, factor, shift),
    [[0.3, 0], [0.1, 0], [2, 0], [5, 0.1], [30, 0.2]],
  ),
};
