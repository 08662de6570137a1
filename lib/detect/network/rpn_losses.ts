/** Losses of the region proposal network. B images, A anchors of each. */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { encodeBoxes, proposalWeights } from "lib/detect/boxes/box_coder.ts";
import { type Boxes, selectBoxes } from "lib/detect/boxes/boxes.ts";
import { binaryCrossEntropy, smoothL1 } from "./losses.ts";
import type { RpnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { matchBoxes } from "lib/detect/boxes/match_boxes.ts";
import type { Anchors, RpnOutput } from "./rpn.ts";
import { sampleMatches } from "lib/detect/boxes/sampling.ts";

export interface RpnLosses {
  /** Mean cross-entropy of whether the sampled anchors contain objects, in nats. */
  readonly objectness: tf.Scalar;
  /**
   * Smooth L1 between predicted and true differences; summed, then divided by the number of sampled
   * anchors.
   */
  readonly rpnBox: tf.Scalar;
}

/**
 * Samples anchors of each image, and compares them with the objects.
 *
 * @param objects Boxes of each image, `[., 4]`.
 * @returns The caller owns the tensors.
 */
export function rpnLosses(
  { objectness, deltas }: RpnOutput,
  anchors: Anchors,
  objects: readonly Boxes[],
  { match, samples, smoothL1Beta }: Pick<RpnConfig, "match" | "samples" | "smoothL1Beta">,
  rng: Rng,
): RpnLosses {
  const A = objectness.shape[1];
  const targets = objects.map((boxes, b) => {
    const matches = matchBoxes(boxes, anchors.boxes, match);
    const sample = sampleMatches(matches, samples, rng.fork(b));
    const from = selectBoxes(anchors.boxes, sample.objects);
    const to = selectBoxes(boxes, sample.objects.map((i) => matches[i]!));
    return { sample, deltas: encodeBoxes(from, to, proposalWeights) };
  });
  const flat = (pick: "objects" | "background") =>
    targets.flatMap(({ sample }, b) => Array.from(sample[pick], (i) => b * A + i));
  const [objectRows, backgroundRows] = [flat("objects"), flat("background")];
  return tf.tidy(() => {
    const logits = tf.gather(
      objectness.flatten(),
      tf.tensor1d([...objectRows, ...backgroundRows], "int32"),
    );
    const truth = tf.tensor1d([...objectRows.map(() => 1), ...backgroundRows.map(() => 0)]);
    const differences = tf.gather(deltas.reshape([-1, 4]), tf.tensor1d(objectRows, "int32"));
    const trueDifferences = tf.tensor2d(targets.flatMap((target) => [...target.deltas]), [
      objectRows.length,
      4,
    ]);
    return {
      objectness: binaryCrossEntropy(logits, truth),
      rpnBox: smoothL1(differences, trueDifferences, smoothL1Beta)
        .div<tf.Scalar>(Math.max(1, logits.size)),
    };
  });
}
