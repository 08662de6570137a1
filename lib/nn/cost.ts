/**
 * What a forward pass costs, counted as it runs: each layer reports the multiply–adds of the shapes it was really given.
 * As in the paper's tables, one multiply with its add counts once; norms, activations and additions count nothing.
 */
import type * as tf from "lib/tf.ts";

/** The work of one operation. */
export interface OpCost {
  readonly kind: "conv" | "depthwise" | "linear" | "attention";
  readonly multiplyAdds: number;
  /** The weight it worked with, which says whose work it is; attention names that of its queries, keys and values. */
  readonly weight: tf.Variable;
}

let record: OpCost[] | undefined;

/** Called by a layer for what it does; nothing unless someone counts. */
export function reportCost(cost: OpCost): void {
  record?.push(cost);
}

/** Runs `body` and returns the costs of everything in it, in order. Not to be nested. */
export function countCosts(body: () => void): readonly OpCost[] {
  const costs: OpCost[] = record = [];
  try {
    body();
  } finally {
    record = undefined;
  }
  return costs;
}
