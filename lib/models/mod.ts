/** Every backbone behind one door. */
import "lib/native/mod.ts"; // registers the fused kernels that lib/nn looks for
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import {
  convNeXt,
  type ConvNeXtConfig,
  createConvNeXt,
  type ForwardOptions,
} from "lib/models/convnext.ts";

export type { ForwardOptions } from "lib/models/convnext.ts";

/** Which backbone, and how large; `arch` tells them apart. */
export type ModelConfig = ConvNeXtConfig;

/** A backbone: its weights, and a pure call on them. */
export interface Model {
  readonly config: ModelConfig;
  /** Tree of variables; paths are the official weight names. */
  readonly params: object;
  /** Length of the feature vector. */
  readonly featureDim: number;
  /**
   * @param x `[B, H, W, 3]`, normalised.
   * @returns The stages' maps and the pooled features `[B, featureDim]`; the caller owns them.
   */
  forward(
    x: tf.Tensor4D,
    options: ForwardOptions,
  ): { readonly stages: readonly tf.Tensor4D[]; readonly features: tf.Tensor2D };
}

/**
 * Builds a backbone with fresh weights.
 *
 * @throws {RangeError} If the architecture is unknown.
 */
export function createModel(config: ModelConfig, rng: Rng): Model {
  switch (config.arch) {
    case "convnext": {
      const params = createConvNeXt(config, rng);
      return {
        config,
        params,
        featureDim: config.dims.at(-1)!,
        forward: (x, options) => convNeXt(x, params, config, options),
      };
    }
    default: {
      const unknown: never = config.arch;
      throw new RangeError(`Unknown architecture "${unknown}": use "convnext"`);
    }
  }
}
