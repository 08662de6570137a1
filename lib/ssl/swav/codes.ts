/**
 * The assignments that views predict.
 *
 * V views of B images, of which the first two are assigned; K prototypes; Q embeddings in the queue,
 * E their length.
 */
import * as tf from "lib/tf.ts";
import type { Moment } from "lib/ssl/method/method.ts";
import { readsAtOnce } from "lib/train/reading.ts";
import type { SwavNetwork } from "./networks.ts";
import { isFull, type Queue } from "./queue.ts";
import { fillsQueue, type SwavRecipe } from "./recipe.ts";
import { sinkhorn, sinkhornOnDevice } from "./sinkhorn.ts";

/**
 * Assigns the global crops to prototypes, each crop by itself, together with its embeddings in the
 * queue if that is full.
 *
 * @param scores `[2B, K]`
 * @returns `[2B, K]`; the caller owns it.
 */
export function assign(
  scores: tf.Tensor2D,
  B: number,
  { params: { prototypes: { weight } } }: SwavNetwork, // [E, K]
  queue: Queue | null,
  recipe: SwavRecipe,
  now: Omit<Moment, "rng">,
): tf.Tensor2D {
  const [E, K] = weight.shape;
  const { epsilon, sinkhornIterations: iterations } = recipe;
  // Only a CPU can look into the queue; elsewhere the schedule says how much has been put in.
  const queued = queue !== null && (readsAtOnce() ? isFull(queue) : fillsQueue(recipe, now));
  const codes = [0, 1].map((crop) => {
    const own = scores.slice([crop * B, 0], [B, K]);
    const all = queued
      ? tf.concat([
        tf.matMul(queue.slice([crop, 0, 0], [1, -1, E]).reshape([-1, E]), weight),
        own,
      ])
      : own; // [Q + B, K] or [B, K]
    if (!readsAtOnce()) {
      const assigned = sinkhornOnDevice(all as tf.Tensor2D, { epsilon, iterations });
      return assigned.slice([all.shape[0]! - B, 0], [B, K]);
    }
    const assigned = sinkhorn(all.dataSync<"float32">(), K, { epsilon, iterations });
    return tf.tensor2d(assigned.subarray(-B * K), [B, K]);
  });
  return tf.concat(codes);
}
