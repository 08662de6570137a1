/**
 * The effective receptive field (Luo et al. 2016): how much each pixel contributes to the features
 * at the centre of an image, measured as in RepLKNet (Ding et al. 2022, erf/visualize_erf.py).
 */
import * as tf from "lib/tf.ts";
import type { ForwardOptions, ModelOutput } from "lib/models/mod.ts";
import { takeValues } from "lib/train/reading.ts";

/** The contribution of each pixel, or square of pixels, row by row; the sum is 1. */
export interface ContributionMap {
  /** Pixels, or squares, a side. */
  readonly side: number;
  /** `[side, side]`, fractions. */
  readonly values: Float64Array;
}

/**
 * The effective receptive field of the central position of the last map: the gradient of its
 * rectified features, summed over channels, with respect to the input. Negative gradients are set
 * to 0; the others are added over colours and images.
 *
 * @param images `[N, side, side, 3]`, normalised; they are processed one at a time.
 * @throws {RangeError} If the images are not square, or the centre depends on no pixel.
 */
export async function effectiveReceptiveField(
  model: { forward(x: tf.Tensor4D, options: ForwardOptions): ModelOutput },
  images: tf.Tensor4D,
): Promise<ContributionMap> {
  const [count, side, width] = images.shape;
  if (side !== width) {
    throw new RangeError(
      `Cannot centre a receptive field: need square images, got ${side}×${width}`,
    );
  }
  const values = new Float64Array(side * side);
  for (let i = 0; i < count; i++) {
    const slopes = tf.tidy(() => {
      const image = images.slice([i, 0, 0, 0], [1, side, side, 3]);
      return tf.grad(centre(model))(image).relu().sum(-1);
    });
    const rises = await takeValues(slopes);
    for (let p = 0; p < values.length; p++) values[p]! += rises[p]!;
  }
  const total = values.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) {
    throw new RangeError(`Cannot measure a receptive field: contributions add up to ${total}`);
  }
  return { side, values: values.map((value) => value / total) };
}

function centre(model: Parameters<typeof effectiveReceptiveField>[0]) {
  return (x: tf.Tensor): tf.Scalar => {
    const last = model.forward(x as tf.Tensor4D, { training: false }).stages.at(-1)!;
    const [, height, width, channels] = last.shape;
    return last.slice([0, height >> 1, width >> 1, 0], [1, 1, 1, channels]).relu().sum().asScalar();
  };
}

/**
 * Adds contributions up over squares of pixels, so that a map has at most `most` squares a side.
 * Rows and columns that do not fill a square are left out: half of them at each edge.
 *
 * @returns A map of squares. Its sum is 1 unless something was left out.
 */
export function pooledContributions(
  { side, values }: ContributionMap,
  most: number,
): ContributionMap {
  const square = Math.ceil(side / most);
  const squares = Math.floor(side / square);
  const cut = (side - squares * square) >> 1;
  const sums = new Float64Array(squares * squares);
  for (let y = 0; y < squares * square; y++) {
    const row = Math.floor(y / square) * squares;
    for (let x = 0; x < squares * square; x++) {
      sums[row + Math.floor(x / square)]! += values[(y + cut) * side + x + cut]!;
    }
  }
  return { side: squares, values: sums };
}

/**
 * The side in pixels of the smallest centred square that holds more than `share` of all
 * contributions.
 *
 * Differs: RepLKNet takes the logarithm of the contributions first, so its result depends on the
 * scale of the gradients.
 *
 * @param share A fraction below 1.
 * @throws {RangeError} If the share is not between 0 and 1.
 */
export function contributionSide({ side, values }: ContributionMap, share: number): number {
  if (!(share > 0 && share < 1)) {
    throw new RangeError(`Cannot hold a share of ${share}: need a fraction between 0 and 1`);
  }
  const middle = side >> 1;
  const within = (reach: number) => {
    const [from, to] = [Math.max(0, middle - reach), Math.min(side, middle + reach + 1)];
    let sum = 0;
    for (let row = from; row < to; row++) {
      for (let column = from; column < to; column++) sum += values[row * side + column]!;
    }
    return sum;
  };
  let reach = 0;
  while (reach < side && within(reach) <= share) reach++;
  return Math.min(side, 2 * reach + 1);
}
