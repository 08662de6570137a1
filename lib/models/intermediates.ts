/**
 * Outputs inside a network by name, for probes of the last blocks, CAMs, detectors and dense heads.
 */
import * as tf from "lib/tf.ts";
import type { ForwardOptions, ModelOutput, Tap } from "lib/models/parts/backbone.ts";

/**
 * A network's output and the outputs inside it that were asked for; the caller owns all tensors.
 */
export interface WithIntermediates extends ModelOutput {
  /** By name, with `wanted`'s names as keys. */
  readonly intermediates: Readonly<Record<string, tf.AnyTensor>>;
}

/**
 * Runs a network and keeps the outputs of some of its modules.
 *
 * @param wanted Official module names: `["stages.3.2"]`, `["blocks.10", "blocks.11"]`.
 * @throws {RangeError} If the network has no module of a name; the message lists those it has.
 *
 * @example
 * ```ts
 * import { createModel, intermediates, vitConfig } from "lib/models/mod.ts";
 * import { createRng } from "lib/rng.ts";
 * import * as tf from "lib/tf.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * using model = createModel(vitConfig("nano"), createRng(0));
 * const images = tf.zeros<tf.Rank.R4>([1, 32, 32, 3]);
 * const inside = intermediates(model, images, ["blocks.5"], { training: false });
 * assertEquals(inside.intermediates["blocks.5"]!.shape, [1, 65, 96]); // class token, 8 × 8 patches
 * tf.dispose([images, inside.features, ...inside.stages, inside.intermediates["blocks.5"]!]);
 * ```
 */
export function intermediates(
  model: { forward(x: tf.Tensor4D, options: ForwardOptions): ModelOutput },
  x: tf.Tensor4D,
  wanted: readonly string[],
  options: Omit<ForwardOptions, "tap">,
): WithIntermediates {
  const found: Record<string, tf.Tensor> = {};
  const seen: string[] = [];
  const tap: Tap = (name, output) => {
    seen.push(name);
    if (wanted.includes(name)) found[name] = tf.keep(output.clone()); // outlives the tidies of inner blocks
    return output;
  };
  const output = model.forward(x, { ...options, tap });
  const unknown = wanted.filter((name) => !(name in found));
  if (unknown.length === 0) return { ...output, intermediates: found };
  tf.dispose([found, output.features, output.logits, ...output.stages] as tf.TensorContainer);
  throw new RangeError(`No module "${unknown.join('", "')}": use one of ${seen.join(", ")}`);
}
