/** What a network costs, by its config alone. */
import { constantRng } from "lib/rng.ts";
import { createModel, type ModelConfig } from "lib/models/mod.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { type ModuleCost, totalCost } from "lib/models/summary.ts";

/** {@linkcode totalCost} of a network, and the number of its features. */
export interface ConfigCost extends ModuleCost {
  readonly featureDim: number;
}

/**
 * Counts the weights of a network and the work of one image, by shapes alone: neither weights nor
 * image take memory.
 *
 * @param options.numClasses By default the network has no classifier.
 * @throws As {@linkcode createModel}. @throws {RangeError} If the image is too small.
 */
export function configCost(
  config: ModelConfig,
  imageSize: number,
  options: { readonly numClasses?: number } = {},
): ConfigCost {
  return withShapesOnly(() => {
    using model = createModel(config, constantRng(), options);
    return { ...totalCost(model, imageSize), featureDim: model.featureDim };
  });
}
