/** Severities of ImageNet-C (Hendrycks & Dietterich 2019), for pictures of 224 pixels. */
import { gaussianBlur, glassBlur } from "lib/robustness/corruptions/blur.ts";
import { brightness, contrast, saturate } from "lib/robustness/corruptions/colour.ts";
import { defocusBlur } from "lib/robustness/corruptions/defocus_blur.ts";
import { jpegCompression, pixelate } from "lib/robustness/corruptions/digital.ts";
import { elasticTransform } from "lib/robustness/corruptions/elastic.ts";
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
export const imageNetC: CorruptionTable = {
  gaussian_noise: five(gaussianNoise, [0.08, 0.12, 0.18, 0.26, 0.38]),
  shot_noise: five(shotNoise, [60, 25, 12, 5, 3]),
  impulse_noise: five(impulseNoise, [0.03, 0.06, 0.09, 0.17, 0.27]),
  defocus_blur: five<Pair>(
    (image, [radius, soft]) => defocusBlur(image, radius, soft),
    [[3, 0.1], [4, 0.5], [6, 0.5], [8, 0.5], [10, 0.5]],
  ),
  glass_blur: five<Triple>(
    (image, [sigma, reach, rounds], draws) => glassBlur(image, sigma, reach, rounds, draws),
    [[0.7, 1, 2], [0.9, 2, 1], [1, 2, 3], [1.1, 3, 2], [1.5, 4, 2]],
  ),
  motion_blur: five<Pair>(
    (image, [radius, sigma], draws) => motionBlur(image, radius, sigma, draws),
    [[10, 3], [15, 5], [15, 8], [15, 12], [20, 15]],
  ),
  zoom_blur: five<Pair>(
    (image, [stop, step]) => zoomBlur(image, 1, stop, step),
    [[1.11, 0.01], [1.16, 0.01], [1.21, 0.02], [1.26, 0.02], [1.31, 0.03]],
  ),
  snow: five<Seven>(
    (image, [mean, std, zoom, threshold, radius, sigma, keep], draws) =>
      snow(image, { mean, std, zoom, threshold, radius, sigma, keep }, draws),
    [
      [0.1, 0.3, 3, 0.5, 10, 4, 0.8],
      [0.2, 0.3, 2, 0.5, 12, 4, 0.7],
      [0.55, 0.3, 4, 0.9, 12, 8, 0.7],
      [0.55, 0.3, 4.5, 0.85, 12, 8, 0.65],
      [0.55, 0.3, 2.5, 0.85, 12, 12, 0.55],
    ],
  ),
  frost: five<Pair>(
    (image, [keep, weight], draws) => frost(image, keep, weight, draws),
    [[1, 0.4], [0.8, 0.6], [0.7, 0.7], [0.65, 0.7], [0.6, 0.75]],
  ),
  fog: five<Pair>(
    (image, [weight, decay], draws) => fog(image, weight, decay, draws),
    [[1.5, 2], [2, 2], [2.5, 1.7], [2.5, 1.5], [3, 1.4]],
  ),
  brightness: five(brightness, [0.1, 0.2, 0.3, 0.4, 0.5]),
  contrast: five(contrast, [0.4, 0.3, 0.2, 0.1, 0.05]),
  elastic_transform: five(elasticTransform, [12.5, 16.25, 21.25, 25, 30]),
  pixelate: five(pixelate, [0.6, 0.5, 0.4, 0.3, 0.25]),
  jpeg_compression: five(jpegCompression, [25, 18, 15, 10, 7]),
  speckle_noise: five(speckleNoise, [0.15, 0.2, 0.35, 0.45, 0.6]),
  gaussian_blur: five(gaussianBlur, [1, 2, 3, 4, 6]),
  spatter: five<Six>(
    (image, [mean, std, sigma, threshold, amount, liquid], draws) =>
      spatter(image, { mean, std, sigma, threshold, amount, liquid }, draws),
    [
      [0.65, 0.3, 4, 0.69, 0.6, "water"],
      [0.65, 0.3, 3, 0.68, 0.6, "water"],
      [0.65, 0.3, 2, 0.68, 0.5, "water"],
      [0.65, 0.3, 1, 0.65, 1.5, "mud"],
      [0.67, 0.4, 1, 0.65, 1.5, "mud"],
    ],
  ),
  saturate: five<Pair>(
    (image, [factor, shift]) => saturate(image, factor, shift),
    [[0.3, 0], [0.1, 0], [2, 0], [5, 0.1], [20, 0.2]],
  ),
};
