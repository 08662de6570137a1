/**
 * The cost of a forward pass, counted while it runs: each layer reports the multiply–adds for the
 * shapes it was given. One multiplication with its addition counts once, as in the paper's tables;
 * norms, activations and additions count nothing.
 */
import type * as tf from "lib/tf.ts";

/** The work of one operation. */
export interface OpCost {
  readonly kind: "conv" | "depthwise" | "linear" | "attention";
  readonly multiplyAdds: number;
  /**
   * The weight that it used, which tells the layer; attention names the weight of its queries, keys
   * and values.
   */
  readonly weight: tf.Variable;
}

let record: OpCost[] | undefined;

/** Reports the work of a layer; does nothing unless {@linkcode countCosts} is running. */
export function reportCost(cost: OpCost): void {
  record?.push(cost);
}

/** Runs `body` and returns the costs of all its operations, in order. Calls must not be nested. */
export function countCosts(body: () => void): readonly OpCost[] {
  const costs: OpCost[] = record = [];
  try {
    body();
  } finally {
    record = undefined;
  }
  return costs;
}
