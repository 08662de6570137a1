/** Puts a linear classifier on a network that has none, so that Grad-CAM has a class to explain. */
import * as tf from "lib/tf.ts";
import type { Explained } from "lib/explain/cam_layers.ts";

/** `features · weight + bias`, C features, K classes. */
export interface LinearClassifier {
  /** `[C, K]`, row by row. */
  readonly weight: Float32Array;
  /** `[K]` */
  readonly bias: Float32Array;
}

/**
 * The same network with logits from its pooled features, as for a linear probe. The result owns no
 * tensors: the weights still belong to `model`.
 *
 * @throws {TypeError} If the sizes of the classifier do not fit the network's features.
 */
export function withClassifier(
  model: Explained & { readonly featureDim: number },
  { weight, bias }: LinearClassifier,
): Explained {
  const { featureDim, config } = model;
  if (bias.length === 0 || weight.length !== featureDim * bias.length) {
    throw new TypeError(
      `Cannot put a classifier of ${weight.length} weights and ${bias.length} classes on ${featureDim} features: need ` +
        `${featureDim} weights for each class`,
    );
  }
  return {
    config,
    forward(x, options) {
      const output = model.forward(x, options);
      const logits = tf.tidy(() =>
        tf.matMul(output.features, tf.tensor2d(weight, [featureDim, bias.length]))
          .add<tf.Tensor2D>(tf.tensor1d(bias))
      );
      return { ...output, logits };
    },
  };
}
