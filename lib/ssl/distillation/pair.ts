/** A student and the teacher that follows it. */
import type { Rng } from "lib/rng.ts";
import { copyTree } from "lib/nn/parameters.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { createNetwork, type Network } from "lib/ssl/method/network.ts";

export interface Pair<Heads extends object> {
  readonly student: Network<Heads>;
  readonly teacher: Network<Heads>;
}

/**
 * Creates two networks that start from the same weights.
 *
 * @param createHeads Creates the heads of one of them; see `createNetwork`.
 */
export function createPair<Heads extends object>(
  model: ModelConfig,
  createHeads: (featureDim: number, rng: Rng) => Heads,
  rng: Rng,
): Pair<Heads> {
  const [student, teacher] = [0, 1].map(() => createNetwork(model, createHeads, rng)) as [
    Network<Heads>,
    Network<Heads>,
  ];
  copyTree(student.params, teacher.params);
  return { student, teacher };
}
