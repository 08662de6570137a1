/** What the box head learns. R regions of all images, K classes with the background. */
import * as tf from "lib/tf.ts";
import type { BoxHeadOutput } from "lib/detect/network/box_head.ts";
import { crossEntropy, smoothL1 } from "lib/detect/network/losses.ts";
import type { BoxHeadConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import type { RegionSample } from "lib/detect/network/region_samples.ts";

export interface BoxLosses {
  /** Which class each region is: cross-entropy in nats, the mean. */
  readonly classifier: tf.Scalar;
  /** How far the differences predicted for each object's class are from the true ones; summed, over the number of regions. */
  readonly box: tf.Scalar;
}

/**
 * Compares what is said of regions.
 *
 * @param samples Of each image, in the order in which its regions were cut out.
 * @returns Owned by the caller.
 */
export function boxLosses(
  { classes, deltas }: BoxHeadOutput,
  samples: readonly RegionSample[],
  { smoothL1Beta }: Pick<BoxHeadConfig, "smoothL1Beta">,
): BoxLosses {
  const [R, K] = classes.shape;
  const labels = Int32Array.from(samples.flatMap((sample) => [...sample.labels]));
  const rows: number[] = []; // of deltas as [R·K, 4]
  labels.forEach((label, i) => label > 0 && rows.push(i * K + label));
  return tf.tidy(() => {
    const differences = tf.gather(deltas.reshape([-1, 4]), tf.tensor1d(rows, "int32"));
    const wanted = tf.tensor2d(samples.flatMap((sample) => [...sample.deltas]), [rows.length, 4]);
    return {
      classifier: crossEntropy(classes, labels),
      box: smoothL1(differences, wanted, smoothL1Beta).div<tf.Scalar>(Math.max(1, R)),
    };
  });
}
