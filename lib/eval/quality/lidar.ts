/**
 * LiDAR: the rank of the directions in which images differ more than views of one image do (Thilak
 * et al. 2024). n images, q views of each, D features.
 */
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { effectiveRank } from "./effective_rank.ts";
import { gram, squaredSingularValues } from "./eigenvalues.ts";
import { checkCount, checkFinite } from "./feature_spectra.ts";

/** The paper's δ, which is added to the diagonal of the covariance within images. */
const delta = 1e-4;

/** Features of several views of each image. */
export interface ViewFeatures {
  /** `[n, q, D]` */
  readonly features: Float32Array;
  /** n, 2 or more. */
  readonly images: number;
  /** q, 2 or more. */
  readonly views: number;
}

/**
 * LiDAR (Thilak et al. 2024, Eqs. (1) to (4)): every image is a class, and its views are the
 * samples of it. With Σ_b the covariance of the images' means and Σ_w the mean covariance of an
 * image's views plus δ·I, it is the effective rank of the eigenvalues of Σ_w^−½ Σ_b Σ_w^−½, by
 * RankMe's formula and ε. Higher is better.
 *
 * The covariances are plain means, over n and over n·q. The eigenvalues are those of L⁻¹ Σ_b L⁻ᵀ
 * with Σ_w = L·Lᵀ, which is similar to the paper's matrix.
 *
 * @returns From 1 to min(n − 1, D), up to the ε; 0 if the images' means are all alike.
 * @throws {RangeError} If there are fewer than two images or two views, or a feature is not finite;
 *   or if the features are so large that rounding makes Σ_w singular.
 */
export function* lidar(
  { features, images, views }: ViewFeatures,
): Generator<number, number> {
  checkCount(images);
  if (views < 2) {
    throw new RangeError(`Cannot compute LiDAR: need 2 or more views, current number is ${views}`);
  }
  const dim = features.length / (images * views);
  const size = views * dim;
  const means = new Float64Array(images * dim);
  for (let image = 0; image < images; image++) {
    checkFinite(features.subarray(image * size, (image + 1) * size), image);
    for (let at = 0; at < size; at++) {
      means[image * dim + at % dim]! += features[image * size + at]! / views;
    }
  }
  const within = yield* gram(images * views, dim, (i, out, offset) => {
    const mean = Math.floor(i / views) * dim;
    for (let j = 0; j < dim; j++) out[offset + j] = features[i * dim + j]! - means[mean + j]!;
  });
  const covariance = within.map((value, at) =>
    value / (images * views) + (at % (dim + 1) === 0 ? delta : 0)
  );
  const whitened = whiten(centred(means, dim), dim, covariance);
  const ratios = yield* squaredSingularValues(whitened, images, dim);
  const all = new Float64Array(dim); // zeros, if there are fewer images than features
  all.set(ratios);
  return effectiveRank(all);
}

/** Rows `[n, dim]` without their mean. */
function centred(rows: Float64Array, dim: number): Float64Array {
  const mean = new Float64Array(dim);
  rows.forEach((value, at) => mean[at % dim]! += value * dim / rows.length);
  return rows.map((value, at) => value - mean[at % dim]!);
}

/**
 * Solves L·y = x for every row x.
 *
 * @param rows `[n, dim]`
 * @param covariance `[dim, dim]`, L·Lᵀ.
 * @returns `[n, dim]`
 */
function whiten(rows: Float64Array, dim: number, covariance: Float64Array): Float64Array {
  const cholesky = new CholeskyDecomposition(Matrix.from1DArray(dim, dim, covariance));
  if (!cholesky.isPositiveDefinite()) {
    throw new RangeError(
      `Cannot compute LiDAR: the covariance within images is singular beside its δ of ${delta}; ` +
        "the features are too large",
    );
  }
  const lower = Float64Array.from(cholesky.lowerTriangularMatrix.to1DArray());
  const solved = Float64Array.from(rows);
  for (let from = 0; from < rows.length; from += dim) {
    for (let i = 0; i < dim; i++) {
      let value = solved[from + i]!;
      for (let j = 0; j < i; j++) value -= lower[i * dim + j]! * solved[from + j]!;
      solved[from + i] = value / lower[i * dim + i]!;
    }
  }
  return solved;
}
