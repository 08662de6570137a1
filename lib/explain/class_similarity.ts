/** How alike images are, sorted by their classes. N images, D features. */

/** Cosines of all pairs of images, in the order of their classes. */
export interface ClassSimilarity {
  /** The images in the order of the matrix, by class and then by place: `[N]`, indices of rows. */
  readonly order: readonly number[];
  /** `[N, N]`, −1 to 1; 1 on the diagonal. */
  readonly cosines: Float32Array;
  /** Mean cosine of two different images of the same class. */
  readonly within: number;
  /** Mean cosine of two images of different classes. */
  readonly between: number;
}

/**
 * The cosines of all pairs of feature vectors, after their mean is subtracted, so that 0 means: no
 * more alike than images are on average.
 *
 * @param features `[N, D]`
 * @param labels `[N]`, the class of each image.
 * @throws {RangeError} If there are not two classes, or no class has two images.
 */
export function classSimilarity(
  features: Float32Array,
  labels: ArrayLike<number>,
): ClassSimilarity {
  const { length: count } = labels;
  const dim = features.length / count;
  const order = Array.from(labels, (_, i) => i).sort((a, b) => labels[a]! - labels[b]! || a - b);
  const units = centredUnits(features, dim);
  const cosines = new Float32Array(count * count);
  const sums = { within: 0, between: 0 };
  const pairs = { within: 0, between: 0 };
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      const [a, b] = [order[i]!, order[j]!];
      let cosine = 0;
      for (let d = 0; d < dim; d++) cosine += units[a * dim + d]! * units[b * dim + d]!;
      cosines[i * count + j] = cosines[j * count + i] = cosine;
      if (i === j) continue;
      const kind = labels[a] === labels[b] ? "within" : "between";
      sums[kind] += cosine;
      pairs[kind]++;
    }
  }
  if (pairs.within === 0 || pairs.between === 0) {
    throw new RangeError(
      `Cannot compare classes of ${count} images: need two classes, one of them with two images`,
    );
  }
  const [within, between] = [sums.within / pairs.within, sums.between / pairs.between];
  return { order, cosines, within, between };
}

/** Rows less their mean, each of length 1; a row that is equal to the mean stays 0. */
function centredUnits(features: Float32Array, dim: number): Float64Array {
  const rows = Float64Array.from(features);
  const count = rows.length / dim;
  for (let d = 0; d < dim; d++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += rows[i * dim + d]! / count;
    for (let i = 0; i < count; i++) rows[i * dim + d]! -= mean;
  }
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * dim, (i + 1) * dim);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (length > 0) row.forEach((value, d) => row[d] = value / length);
  }
  return rows;
}
