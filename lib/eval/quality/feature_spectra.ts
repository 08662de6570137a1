/** RankMe and α-ReQ of a bank of features, from one reading of its rows. N images, D features. */
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import type { FeatureBank } from "lib/eval/features/feature_bank.ts";
import { alphaReQ } from "./alpha_req.ts";
import { rankMe } from "./effective_rank.ts";
import { eigenvalues, gram, squaredSingularValues } from "./eigenvalues.ts";

/** As many as RankMe's paper takes of ImageNet's 1.28 million. */
const mostImages = 25_600;

/** What the features' spectrum says of them. */
export interface SpectralQuality {
  /** Number of images it was measured on. */
  readonly images: number;
  /** See {@linkcode rankMe}; from 1 to min(N, D). */
  readonly rankMe: number;
  /** See {@linkcode alphaReQ}; NaN if the spectrum has too few values. */
  readonly alphaReQ: number;
}

/**
 * Measures the features of at most 25,600 images, spread evenly over the bank. It yields often, so
 * that the caller can pause; the last step, of the eigenvalues, takes seconds where both N and D
 * are above 700.
 *
 * @throws {RangeError} If there are fewer than two images, or a feature is not finite.
 */
export function* featureSpectra(bank: FeatureBank): Generator<number, SpectralQuality> {
  const { dim } = bank;
  const images = evenIndices(bank.labels.length, mostImages);
  checkCount(images.length);
  const mean = meanRow(bank, images);
  const { squares, variances } = images.length >= dim
    ? yield* ofManyImages(bank, images, mean)
    : yield* ofFewImages(bank, images, mean);
  yield 1;
  return { images: images.length, rankMe: rankMe(squares), alphaReQ: alphaReQ(variances) };
}

/** @throws {RangeError} If there are fewer than two images. */
export function checkCount(images: number): void {
  if (images >= 2) return;
  throw new RangeError(
    `Cannot measure the quality of features: need 2 or more images, current number is ${images}`,
  );
}

/** @throws {RangeError} If a feature is not finite. */
export function checkFinite(row: Float32Array, image: number): void {
  const wrong = row.find((value) => !Number.isFinite(value));
  if (wrong === undefined) return;
  throw new RangeError(
    `Cannot measure the quality of features: a feature of image ${image} is ${wrong}`,
  );
}

function meanRow(bank: FeatureBank, images: readonly number[]): Float64Array {
  const sum = new Float64Array(bank.dim);
  for (const image of images) {
    const row = bank.rows(image, image + 1);
    checkFinite(row, image);
    for (let i = 0; i < sum.length; i++) sum[i]! += row[i]!;
  }
  return sum.map((value) => value / images.length);
}

/** Squared singular values of the features, and of the features without their mean. */
interface Spectra {
  readonly squares: Float64Array;
  readonly variances: Float64Array;
}

/**
 * N ≥ D: from the products `[D, D]`. They are summed without the mean, which would swallow small
 * variances; for the features as they are, it is added afterwards.
 */
function* ofManyImages(
  bank: FeatureBank,
  images: readonly number[],
  mean: Float64Array,
): Generator<number, Spectra> {
  const { length: dim } = mean;
  const centred = yield* gram(images.length, dim, (i, out, offset) => {
    const row = bank.rows(images[i]!, images[i]! + 1);
    for (let j = 0; j < dim; j++) out[offset + j] = row[j]! - mean[j]!;
  });
  const whole = centred.map((value, at) =>
    value + images.length * mean[Math.floor(at / dim)]! * mean[at % dim]!
  );
  return { squares: eigenvalues(whole, dim), variances: eigenvalues(centred, dim) };
}

/** N < D: from the products `[N, N]`, which have the same eigenvalues but for zeros. */
function* ofFewImages(
  bank: FeatureBank,
  images: readonly number[],
  mean: Float64Array,
): Generator<number, Spectra> {
  const [count, { length: dim }] = [images.length, mean];
  const whole = new Float64Array(count * dim);
  images.forEach((image, i) => whole.set(bank.rows(image, image + 1), i * dim));
  const centred = whole.map((value, at) => value - mean[at % dim]!);
  return {
    squares: yield* squaredSingularValues(whole, count, dim),
    variances: yield* squaredSingularValues(centred, count, dim),
  };
}
