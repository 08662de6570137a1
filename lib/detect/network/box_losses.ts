/** Losses of the box head. R regions of all images, K classes including the background. */
import * as tf from "lib/tf.ts";
import type { BoxHeadOutput } from "./box_head.ts";
import { crossEntropy, smoothL1 } from "./losses.ts";
import type { BoxHeadConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import type { RegionSample } from "./region_samples.ts";

export interface BoxLosses {
  /** Mean cross-entropy of the regions' classes, in nats. */
  readonly classifier: tf.Scalar;
  /**
   * Smooth L1 between the differences predicted for each object's class and the true ones; summed,
   * then divided by the number of regions.
   */
  readonly box: tf.Scalar;
}

/**
 * Compares the head's outputs with the targets.
 *
 * @param samples Regions of each image, in the order in which they were cut out.
 * @returns The caller owns the tensors.
 */
export function boxLosses(
  { classes, deltas }: BoxHeadOutput,
  samples: readonly RegionSample[],
  { smoothL1Beta }: Pick<BoxHeadConfig, "smoothL1Beta">,
): BoxLosses {
  const [R, K] = classes.shape;
  const labels = Int32Array.from(samples.flatMap((sample) => [...sample.labels]));
  const rows: number[] = []; // indices of rows in the deltas, reshaped to [R·K, 4]
  labels.forEach((label, i) => label > 0 && rows.push(i * K + label));
  return tf.tidy(() => {
    const differences = tf.gather(deltas.reshape([-1, 4]), tf.tensor1d(rows, "int32"));
    const trueDifferences = tf.tensor2d(samples.flatMap((sample) => [...sample.deltas]), [
      rows.length,
      4,
    ]);
    return {
      classifier: crossEntropy(classes, labels),
      box: smoothL1(differences, trueDifferences, smoothL1Beta).div<tf.Scalar>(Math.max(1, R)),
    };
  });
}
