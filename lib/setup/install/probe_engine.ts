/** Loads the engine, runs one op, and prints what it found as a line of JSON. */
import * as tf from "lib/tf.ts";

export interface Probe {
  readonly engine: tf.Engine;
  /** What has been run on such an engine before; absent on a CPU with TensorFlow. */
  readonly tried?: string;
  readonly gflops: number;
  /** Time of one product of two 1024 × 1024 matrices, the fastest of five. */
  readonly milliseconds: number;
}

const size = 1024;

async function probe(): Promise<Probe> {
  const ones = tf.ones([size, size]) as tf.Tensor2D;
  let milliseconds = Infinity;
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    const product = tf.matMul(ones, ones);
    const [first] = await product.data();
    milliseconds = Math.min(milliseconds, performance.now() - began);
    product.dispose();
    if (first !== size) throw new Error(`Cannot trust the engine: ${size} ones sum to ${first}`);
  }
  const engine = tf.engine();
  const gflops = 2 * size ** 3 / milliseconds / 1e6;
  return { engine, tried: tf.triedOn(engine), milliseconds, gflops };
}

if (import.meta.main) console.log(JSON.stringify(await probe()));
