/**
 * Images a second of a network, as the reference measures it (Table 3; Swin's `throughput()`, which
 * BC-SSL's code copies).
 */
import * as tf from "lib/tf.ts";
import type { Model } from "lib/models/mod.ts";

/**
 * The reference's values are the defaults, but for the batch: it takes the loader's, and its
 * threads name 64.
 */
export interface ThroughputOptions {
  readonly batchSize?: number;
  /** Pixels a side. */
  readonly imageSize?: number;
  /** Forward passes before the clock starts. */
  readonly warmup?: number;
  /** Forward passes on the clock. */
  readonly timed?: number;
}

/** What was measured, and how. */
export interface Throughput extends Required<ThroughputOptions> {
  readonly imagesPerSecond: number;
  /** Of all timed passes together. */
  readonly seconds: number;
}

/**
 * Measures forward passes on one batch, in evaluation mode.
 *
 * @param pause Awaited after each pass, so that an interrupt is heard; what it throws ends the
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
      if (i === passes - 1) features.dataSync(); // a GPU answers before it is done
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
