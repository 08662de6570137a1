/**
 * The processes that train one run together, as each of them sees the others. What needs the others
 * takes a {@linkcode World} as an argument; by default it is {@linkcode alone}.
 *
 * Every process must call the same operations in the same order, with tensors of the same shapes.
 */
import type * as tf from "lib/tf.ts";

/** All processes of a run, seen from one of them. */
export interface World {
  /** This process among all, 0 … size − 1. Process 0 writes the files. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /**
   * The mean of the processes' tensors, element by element, the same to the bit in all processes.
   *
   * @param x fp32, borrowed
   * @returns Of the shape of `x`; the caller owns it.
   * @throws {LostPeerError} If another process has ended or does not answer.
   */
  mean<T extends tf.AnyTensor>(x: T): T;
  /**
   * Begins a {@linkcode World.mean} that goes on while this process computes. Several that are begun
   * follow each other; the other operations do not wait for them.
   *
   * @param x fp32 `[n]`, borrowed; it may be freed at once.
   * @returns `[n]`; the caller owns it. It may be read, and be the input of an operation, after
   *   {@linkcode World.endMeans}.
   * @throws {LostPeerError} If another process has ended or does not answer.
   */
  beginMean<T extends tf.AnyTensor>(x: T): T;
  /**
   * The same for numbers that are packed for the way.
   *
   * @param packed `[size, n]` as {@linkcode Packing.pack} makes them, borrowed; it may be freed at once.
   * @returns `[size · n]` for {@linkcode Packing.unpack}, as of {@linkcode World.beginMean}.
   * @throws {LostPeerError} If another process has ended or does not answer.
   */
  beginMeanOf<T extends tf.AnyTensor>(packed: T, packing: Packing): T;
  /**
   * Waits for all means that were begun.
   *
   * @throws {LostPeerError} If another process has ended or does not answer.
   */
  endMeans(): void;
  /**
   * The processes' tensors, one after another along the first axis, in the order of their ranks.
   *
   * @param x fp32 `[n, …]`, borrowed
   * @returns `[size · n, …]`; the caller owns it.
   * @throws {LostPeerError} If another process has ended or does not answer.
   */
  gather<T extends tf.AnyTensor>(x: T): T;
}

/**
 * How numbers are made fewer bytes on their way between processes. What is packed only looks like
 * fp32 numbers.
 */
export interface Packing {
  /**
   * Packs the numbers of all tensors, one tensor after the other, and fills up with zeros.
   *
   * @param tensors fp32, borrowed
   * @param parts Number of equal parts into which they are divided.
   * @returns `[parts, n]`; the caller owns it.
   */
  pack(tensors: readonly tf.AnyTensor[], parts: number): tf.AnyTensor;
  /**
   * The mean of parts, packed again.
   *
   * @param packed `[parts, n]`, borrowed
   * @returns `[n]`; the caller owns it.
   */
  mean(packed: tf.AnyTensor): tf.AnyTensor;
  /**
   * The numbers of all tensors, one after the other, as fp32; the caller owns them.
   *
   * @param packed Borrowed.
   */
  unpack(packed: readonly tf.AnyTensor[]): tf.AnyTensor;
  /** How many numbers take the place of one of fp32. */
  readonly numbersInFloat: number;
  /** Whether `mean` is one operation of the engine, which can be begun and go on. */
  readonly isOneOperation: boolean;
}

/** A process that trains by itself. */
export const alone: World = {
  rank: 0,
  size: 1,
  mean: (x) => x.clone(),
  beginMean: (x) => x.clone(),
  beginMeanOf: (packed) => packed.clone(),
  endMeans() {},
  gather: (x) => x.clone(),
};

/** The error for a process that has ended or does not answer: this process cannot go on. */
export class LostPeerError extends Error {
  override readonly name = "LostPeerError";
}
