/**
 * One function for all optimisers, with the constants that DINO's code uses for each
 * (main_dino.py); those of the other methods' code are the same.
 */
import type * as tf from "lib/tf.ts";
import { adamWStep } from "./adamw.ts";
import { larsStep } from "./lars.ts";
import { type OptimizerName, optimizerNames } from "./optimizer_names.ts";
import type { OptimizerState, WeightOptions } from "./optimizer_state.ts";
import { sgdStep } from "./sgd.ts";

export type { OptimizerName };

/** The settings that schedules change. */
export interface OptimizerOptions extends WeightOptions {
  readonly lr: number;
  /**
   * Weight decay. The optimiser decides which weights it applies to: by most, matrices and kernels
   * only (`decays` in optimizer_state.ts).
   */
  readonly weightDecay: number;
}

/**
 * One update of every weight that has a gradient, in place.
 *
 * @param state The state of the same optimiser; empty before the first step.
 * @throws {RangeError} If there is no such optimiser.
 * @throws {TypeError} If a gradient has no weight of its name, or the state is another optimiser's.
 */
export function optimizerStep(
  name: OptimizerName,
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  options: OptimizerOptions,
): void {
  switch (name) {
    case "adamw":
      return adamWStep(weights, grads, state, options);
    case "adamw_all":
      return adamWStep(weights, grads, state, { ...options, decayAll: true });
    case "sgd":
      return sgdStep(weights, grads, state, { ...options, momentum: 0.9 });
    case "lars":
      return larsStep(weights, grads, state, options);
    case "lars_byol":
      return larsStep(weights, grads, state, { ...options, rule: "byol" });
    case "lars_simclr":
      return larsStep(weights, grads, state, { ...options, rule: "simclr" });
    case "lars_swav":
      return larsStep(weights, grads, state, { ...options, rule: "swav" });
    case "lars_mocov3":
      return larsStep(weights, grads, state, { ...options, rule: "mocov3" });
    default: // reached where nothing checks types: in JavaScript and notebook cells
      throw new RangeError(
        `Unknown optimizer "${name satisfies never}": use ${optimizerNames.join(", ")}`,
      );
  }
}
