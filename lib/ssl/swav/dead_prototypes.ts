/** Watches for prototypes that no image is assigned to any more. */
import * as tf from "lib/tf.ts";
import { buffer } from "lib/nn/init.ts";
import type { Reading } from "lib/train/reading.ts";

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
  const [rows, K] = codes.shape;
  tf.tidy(() => {
    const chosen = tf.oneHot(codes.argMax(-1).toInt(), K).max(0).cast("bool"); // [K]
    idle.assign(tf.where(chosen, tf.zerosLike(idle), idle.add(rows / 2)) as tf.Tensor1D);
  });
}

/**
 * How many images a prototype must wait for a first choice to count as dead, as a multiple of K. If
 * all were chosen equally often, one in e^20 would wait as long.
 */
const patience = 10;

/** The share of prototypes that are dead. */
export function deadShare(idle: IdleImages): Reading {
  const dead = tf.tidy(() => idle.greater(patience * idle.size).sum());
  return { tensors: [dead], value: ([count]) => count![0]! / idle.size };
}
