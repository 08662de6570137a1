/**
 * The assignments that views predict, and that no gradient passes.
 *
 * V views of B images, of which the first two are assigned; K prototypes; Q embeddings in the queue,
 * E their length.
 */
import * as tf from "lib/tf.ts";
import type { SwavNetwork } from "./networks.ts";
import { isFull, type Queue } from "./queue.ts";
import type { SwavRecipe } from "./recipe.ts";
import { sinkhorn } from "./sinkhorn.ts";

/**
 * Assigns the global crops to prototypes, each crop by itself, together with its embeddings in the
 * queue if that is full.
 *
 * @param scores `[V·B, K]`
 * @returns `[2B, K]`, which no gradient passes.
 */
export function assign(
  scores: tf.Tensor2D,
  B: number,
  { params: { prototypes: { weight } } }: SwavNetwork, // [E, K]
  queue: Queue | null,
  { epsilon, sinkhornIterations: iterations }: SwavRecipe,
): tf.Tensor2D {
  const [E, K] = weight.shape;
  const queued = queue !== null && isFull(queue);
  const codes = [0, 1].map((crop) => {
    const own = scores.slice([crop * B, 0], [B, K]);
    const all = queued
      ? tf.concat([tf.matMul(queue.slice([crop, 0, 0], [1, -1, E]).reshape([-1, E]), weight), own])
      : own; // [Q + B, K] or [B, K]
    const assigned = sinkhorn(all.dataSync<"float32">(), K, { epsilon, iterations });
    return tf.tensor2d(assigned.subarray(-B * K), [B, K]);
  });
  return tf.concat(codes);
}
