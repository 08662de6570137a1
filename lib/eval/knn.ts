/**
 * Weighted k-NN classification of frozen features (Wu et al. 2018; the reference's `eval_knn.py`): cosine similarity,
 * each neighbour votes for its class with weight exp(similarity / T).
 *
 * N training images, M test images, D features.
 */
import * as tf from "lib/tf.ts";

/** Features `[N, D]`, row-major, with a class for each row. */
export interface LabelledFeatures {
  readonly features: Float32Array;
  readonly labels: Int32Array;
}

export interface KnnOptions {
  readonly numClasses: number;
  /** Numbers of neighbours; those beyond N are cut to N. */
  readonly ks?: readonly number[];
  readonly temperature?: number;
}

/** Fractions of the test images, for one k. */
export interface KnnAccuracy {
  readonly k: number;
  readonly top1: number;
  readonly top5: number;
}

/** The nearest training images of each test image, nearest first. */
export interface Neighbours {
  readonly k: number;
  readonly indices: Int32Array; // [M, k]
  readonly similarities: Float32Array; // [M, k], cosines
}

const chunk = 512; // test images at a time: bounds the similarity matrix

/**
 * k-NN accuracy for each k.
 *
 * @throws {RangeError} If a set is empty, rows and labels differ in number, or a label is outside the classes.
 */
export function knnAccuracy(
  train: LabelledFeatures,
  test: LabelledFeatures,
  { numClasses, ks = [10, 20, 100, 200], temperature = 0.07 }: KnnOptions,
): KnnAccuracy[] {
  const count = Math.min(Math.max(...ks), train.labels.length);
  for (const label of [...train.labels, ...test.labels]) {
    if (!(label >= 0 && label < numClasses)) {
      throw new RangeError(`Cannot vote for class ${label}: there are ${numClasses} classes`);
    }
  }
  const neighbours = nearestNeighbours(train, test, count);
  return ks.map((k) => ({
    k,
    ...voteAccuracy(neighbours, train.labels, test.labels, {
      k: Math.min(k, count),
      numClasses,
      temperature,
    }),
  }));
}

/**
 * The `k` training rows of largest cosine for each test row.
 *
 * @throws {RangeError} If a set is empty, rows and labels differ in number, or the lengths of the features differ.
 */
export function nearestNeighbours(
  train: LabelledFeatures,
  test: LabelledFeatures,
  k: number,
): Neighbours {
  const [dim, testDim] = [featureDim(train, "training"), featureDim(test, "test")];
  if (dim !== testDim) {
    throw new RangeError(`Cannot compare features of length ${dim} with features of ${testDim}`);
  }
  const total = test.labels.length;
  const indices = new Int32Array(total * k);
  const similarities = new Float32Array(total * k);
  tf.tidy(() => {
    const bank = unitRows(train.features, dim);
    for (let from = 0; from < total; from += chunk) {
      const to = Math.min(from + chunk, total);
      tf.tidy(() => {
        const queries = unitRows(test.features.subarray(from * dim, to * dim), dim);
        const best = tf.topk(tf.matMul(queries, bank, false, true), k);
        similarities.set(best.values.dataSync<"float32">(), from * k);
        indices.set(best.indices.dataSync<"int32">(), from * k);
      });
    }
  });
  return { k, indices, similarities };
}

function featureDim({ features, labels }: LabelledFeatures, what: string): number {
  const dim = features.length / labels.length;
  if (labels.length === 0 || !Number.isInteger(dim)) {
    throw new RangeError(
      `Cannot use the ${what} features: ${features.length} numbers for ${labels.length} labels`,
    );
  }
  return dim;
}

function unitRows(values: Float32Array, dim: number): tf.Tensor2D {
  const rows = tf.tensor2d(values, [values.length / dim, dim]);
  return rows.div(rows.norm(2, 1, true).maximum(1e-12));
}

function voteAccuracy(
  { k: width, indices, similarities }: Neighbours,
  trainLabels: Int32Array,
  testLabels: Int32Array,
  { k, numClasses, temperature }: { k: number; numClasses: number; temperature: number },
): { top1: number; top5: number } {
  let [top1, top5] = [0, 0];
  const votes = new Float64Array(numClasses);
  testLabels.forEach((label, row) => {
    votes.fill(0);
    for (let j = row * width; j < row * width + k; j++) {
      const neighbour = trainLabels[indices[j]!]!;
      votes[neighbour]! += Math.exp(similarities[j]! / temperature);
    }
    const rank = votes.reduce(
      (above, vote, c) =>
        above + Number(vote > votes[label]! || (vote === votes[label] && c < label)),
      0,
    );
    top1 += Number(rank === 0);
    top5 += Number(rank < 5);
  });
  return { top1: top1 / testLabels.length, top5: top5 / testLabels.length };
}
