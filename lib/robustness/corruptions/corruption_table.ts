/** All corruptions from the parameters of their five severities: the benchmarks differ in these alone. */
import { gaussianBlur, glassBlur } from "lib/robustness/corruptions/blur.ts";
import { brightness, contrast, saturate } from "lib/robustness/corruptions/colour.ts";
import { defocusBlur } from "lib/robustness/corruptions/defocus_blur.ts";
import { jpegCompression, pixelate } from "lib/robustness/corruptions/digital.ts";
import { elasticAffine, elasticTransform } from "lib/robustness/corruptions/elastic.ts";
import { motionBlur } from "lib/robustness/corruptions/motion_blur.ts";
import {
  gaussianNoise,
  impulseNoise,
  shotNoise,
  speckleNoise,
} from "lib/robustness/corruptions/noise.ts";
import {
  type CorruptionTable,
  type Five,
  five,
  type FiveOf,
} from "lib/robustness/corruptions/severities.ts";
import { type Spatter, spatter } from "lib/robustness/corruptions/spatter.ts";
import { fog, frost, snow } from "lib/robustness/corruptions/weather.ts";
import { zoomBlur } from "lib/robustness/corruptions/zoom_blur.ts";

type Bending = readonly [strength: number, sigma: number, jitter: number];

/** Parameters from the mildest severity to the strongest; those of a list are in the order of its names. */
export interface SeverityParameters {
  readonly gaussian_noise: FiveOf<number>;
  readonly shot_noise: FiveOf<number>;
  readonly impulse_noise: FiveOf<number>;
  readonly defocus_blur: FiveOf<readonly [radius: number, soft: number]>;
  readonly glass_blur: FiveOf<readonly [sigma: number, reach: number, rounds: number]>;
  readonly motion_blur: FiveOf<readonly [radius: number, sigma: number]>;
  readonly zoom_blur: FiveOf<readonly [stop: number, step: number]>;
  readonly snow: FiveOf<
    readonly [
      mean: number,
      std: number,
      zoom: number,
      threshold: number,
      radius: number,
      sigma: number,
      keep: number,
    ]
  >;
  readonly frost: FiveOf<readonly [keep: number, weight: number]>;
  /** Distance between two pixels of the frost that are taken. By default, 1. */
  readonly frostEvery?: number;
  readonly fog: FiveOf<readonly [weight: number, decay: number]>;
  readonly brightness: FiveOf<number>;
  readonly contrast: FiveOf<number>;
  /** Strengths for large pictures; three numbers for small ones, which are distorted otherwise. */
  readonly elastic_transform: FiveOf<number> | FiveOf<Bending>;
  readonly pixelate: FiveOf<number>;
  readonly jpeg_compression: FiveOf<number>;
  readonly speckle_noise: FiveOf<number>;
  readonly gaussian_blur: FiveOf<number>;
  readonly spatter: FiveOf<
    readonly [
      mean: number,
      std: number,
      sigma: number,
      threshold: number,
      amount: number,
      liquid: Spatter["liquid"],
    ]
  >;
  readonly saturate: FiveOf<readonly [factor: number, shift: number]>;
}

/** The corruptions with these parameters. */
export function corruptionTable(by: SeverityParameters): CorruptionTable {
  return {
    gaussian_noise: five(gaussianNoise, by.gaussian_noise),
    shot_noise: five(shotNoise, by.shot_noise),
    impulse_noise: five(impulseNoise, by.impulse_noise),
    defocus_blur: five(
      (image, [radius, soft]) => defocusBlur(image, radius, soft),
      by.defocus_blur,
    ),
    glass_blur: five(
      (image, [sigma, reach, rounds], draws) => glassBlur(image, sigma, reach, rounds, draws),
      by.glass_blur,
    ),
    motion_blur: five(
      (image, [radius, sigma], draws) => motionBlur(image, radius, sigma, draws),
      by.motion_blur,
    ),
    zoom_blur: five((image, [stop, step]) => zoomBlur(image, 1, stop, step), by.zoom_blur),
    snow: five(
      (image, [mean, std, zoom, threshold, radius, sigma, keep], draws) =>
        snow(image, { mean, std, zoom, threshold, radius, sigma, keep }, draws),
      by.snow,
    ),
    frost: five(
      (image, [keep, weight], draws) => frost(image, keep, weight, draws, { every: by.frostEvery }),
      by.frost,
    ),
    fog: five((image, [weight, decay], draws) => fog(image, weight, decay, draws), by.fog),
    brightness: five(brightness, by.brightness),
    contrast: five(contrast, by.contrast),
    elastic_transform: elastic(by.elastic_transform),
    pixelate: five(pixelate, by.pixelate),
    jpeg_compression: five(jpegCompression, by.jpeg_compression),
    speckle_noise: five(speckleNoise, by.speckle_noise),
    gaussian_blur: five(gaussianBlur, by.gaussian_blur),
    spatter: five(
      (image, [mean, std, sigma, threshold, amount, liquid], draws) =>
        spatter(image, { mean, std, sigma, threshold, amount, liquid }, draws),
      by.spatter,
    ),
    saturate: five((image, [factor, shift]) => saturate(image, factor, shift), by.saturate),
  };
}

function elastic(parameters: SeverityParameters["elastic_transform"]): Five {
  if (areStrengths(parameters)) return five(elasticTransform, parameters);
  return five(
    (image, [strength, sigma, jitter], draws) =>
      elasticAffine(image, { strength, sigma, jitter }, draws),
    parameters,
  );
}

function areStrengths(parameters: FiveOf<number> | FiveOf<Bending>): parameters is FiveOf<number> {
  return typeof parameters[0] === "number";
}
