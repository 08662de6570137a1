/**
 * Throughput of a network in images per second, measured as the reference does (Table 3; Swin's
 * `throughput()`, which BC-SSL's code copies).
 */
import * as tf from "lib/tf.ts";
import type { Model } from "lib/models/mod.ts";

/**
 * The defaults are the reference's values except the batch size: the reference uses its data
 * loader's, and 64 is what its authors name in issue threads.
 */
export interface ThroughputOptions {
  /** Images in a forward pass. */
  readonly batchSize?: number;
  /** Side of the images in pixels. */
  readonly imageSize?: number;
  /** Forward passes before the clock starts. */
  readonly warmup?: number;
  /** Forward passes on the clock. */
  readonly timed?: number;
}

/** The measured throughput, and how it was measured. */
export interface Throughput extends Required<ThroughputOptions> {
  /** Images of all timed passes, divided by their time. */
  readonly imagesPerSecond: number;
  /** Time of all timed passes together. */
  readonly seconds: number;
}

/**
 * Measures forward passes on one batch, in evaluation mode.
 *
 * @param pause Awaited after each pass, so that an interrupt is received; what it throws ends the
 *   measurement.
 * @throws {RangeError} If a number is not a positive integer; `warmup` may be 0.
 */
export async function measureThroughput(
  model: Pick<Model, "forward">,
  { batchSize = 64, imageSize = 224, warmup = 50, timed = 30 }: ThroughputOptions = {},
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<Throughput> {
  const sizes = { batchSize, imageSize, timed, warmup: warmup + 1 };
  for (const [what, value] of Object.entries(sizes)) {
    if (Number.isInteger(value) && value > 0) continue;
    throw new RangeError(`Cannot measure a throughput: current ${what} is ${value}`);
  }
  const images = tf.randomNormal<tf.Rank.R4>(
    [batchSize, imageSize, imageSize, 3],
    0,
    1,
    "float32",
    0,
  );
  const run = async (passes: number) => {
    for (let i = 0; i < passes; i++) {
      const features = tf.tidy(() => model.forward(images, { training: false }).features);
      // waits for the result: a GPU returns before it is done
      if (i === passes - 1) await features.data();
      features.dispose();
      await pause();
    }
  };
  try {
    await run(warmup);
    const started = performance.now();
    await run(timed);
    const seconds = (performance.now() - started) / 1000;
    return {
      imagesPerSecond: timed * batchSize / seconds,
      seconds,
      batchSize,
      imageSize,
      warmup,
      timed,
    };
  } finally {
    images.dispose();
  }
}
