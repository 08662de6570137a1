/** Watches for prototypes that no image is assigned to any more. */
import * as tf from "lib/tf.ts";
import { buffer } from "lib/nn/init.ts";

/**
 * For each of the K prototypes, the number of images since it was last the first choice of one. It
 * belongs to the state, so that a resumed run sounds the same alarms.
 */
export type IdleImages = tf.Variable<tf.Rank.R1>; // [K]

export function createIdleImages(prototypes: number): IdleImages {
  return buffer<tf.Rank.R1>([prototypes], 0);
}

/**
 * Counts a batch.
 *
 * @param codes Assignments of the two global crops, `[2B, K]`.
 */
export function countIdleImages(idle: IdleImages, codes: tf.Tensor2D): void {
  const images = codes.shape[0] / 2;
  const counts = idle.dataSync<"float32">().map((count) => count + images);
  tf.tidy(() => {
    for (const choice of codes.argMax(-1).dataSync()) counts[choice] = 0;
    idle.assign(tf.tensor1d(counts));
  });
}

/**
 * How many images a prototype must wait for a first choice to count as dead, as a multiple of K. If
 * all were chosen equally often, one in e^20 would wait as long.
 */
const patience = 10;

/** The share of prototypes that are dead. */
export function deadShare(idle: IdleImages): number {
  const counts = idle.dataSync<"float32">();
  return counts.filter((count) => count > patience * counts.length).length / counts.length;
}
