/** Layers of a head that are evaluated together with the backbone. */
import * as tf from "lib/tf.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import type { Model, ModelOutput } from "lib/models/mod.ts";

/** Layers of a head that stay on the backbone after training. */
export interface KeptLayers {
  /** Their weights; paths are their names in a checkpoint, below the network's: `projector.0.…`. */
  readonly params: object;
  /** Length of their output. */
  readonly featureDim: number;
  /**
   * @param features `[B, D]`
   * @returns `[B, featureDim]`
   */
  apply(features: tf.Tensor2D, options: { readonly training: boolean }): tf.Tensor2D;
}

/**
 * A backbone whose features are the output of layers of a head. Its maps are those of the backbone.
 * It shares the weights of both; disposing of it frees them.
 */
export function withKeptLayers(model: Model, kept: KeptLayers): Model {
  // A probe of single blocks would pass by the head.
  const { probe: _, ...plain } = model;
  const params = { ...model.params, ...kept.params };
  return {
    ...plain,
    params,
    featureDim: kept.featureDim,
    forward: (x, options) =>
      tf.tidy(() => {
        const output = model.forward(x, options);
        const features = kept.apply(output.features, options);
        return { ...output, features } as unknown as tf.TensorContainer;
      }) as unknown as ModelOutput,
    // Other libraries have no such network.
    weightsForm: (format) => format === "official" ? model.weightsForm(format) : undefined,
    [Symbol.dispose]: () => disposeTree(params),
  };
}
