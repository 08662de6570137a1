/** The verb `throughput`: images per second of a network on this machine (a column of Table 3). */
import { join } from "@std/path";
import { constantRng } from "lib/rng.ts";
import {
  measureThroughput,
  type Throughput,
  type ThroughputOptions,
} from "lib/eval/images_per_second.ts";
import { createModel, type ModelConfig } from "lib/models/mod.ts";
import { describeEngine, describeEnvironment } from "lib/experiments/runs/environment.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";
import { outputsFolder } from "lib/experiments/runs/run_folder.ts";

/** Sizes of the measurement, and whether an earlier one will do. */
export interface ThroughputVerbOptions extends ThroughputOptions {
  /** When it is aborted, the measurement ends after the current pass with an error. */
  readonly signal?: AbortSignal;
  /** Whether to measure again although `outputs/machine/` has a result. */
  readonly fresh?: boolean;
}

/** Numbers only. */
export interface ThroughputResult extends Throughput {
  /** Name of the engine that computed. */
  readonly engine: string;
}

/**
 * Measures a network with random weights as the reference does: 50 forward passes to warm up, then
 * 30 on the clock. A laptop needs fewer passes and smaller batches or images: `{ batchSize: 8,
 * warmup: 3, timed: 5 }`.
 *
 * A result of a machine with this processor, these versions and these kernels is loaded from
 * `outputs/machine/`. A busy machine is slower, so measure `fresh` where it matters.
 *
 * @throws {Error} If `signal` is aborted: nothing is kept then.
 *
 * @example
 * ```ts
 * import { throughput } from "lib/experiments/mod.ts";
 * import { bcSslConfig } from "lib/models/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const sizes = { batchSize: 1, imageSize: 64, warmup: 1, timed: 2 };
 * const { imagesPerSecond, engine } = await throughput(bcSslConfig("atto"), sizes);
 * assertTrue(imagesPerSecond > 0, "some speed");
 * console.log(`${imagesPerSecond.toFixed(1)} images per second on ${engine}`);
 * ```
 */
export async function throughput(
  config: ModelConfig,
  { signal, fresh = false, ...sizes }: ThroughputVerbOptions = {},
): Promise<ThroughputResult> {
  const { batchSize, imageSize, warmup, timed } = sizes;
  const { versions, kernels, cpu, threads, gpu } = await describeEnvironment();
  const machine = { versions, kernels, cpu, threads, gpu };
  const options = { config, batchSize, imageSize, warmup, timed, machine };
  const folder = { id: "this machine", path: join(outputsFolder(), "machine") };
  return await evaluated(folder, { name: "throughput", options, fresh }, async () => {
    using model = createModel(config, constantRng()); // the time is that of any weights
    const pause = interruptible("the measurement of throughput", signal);
    return { ...await measureThroughput(model, sizes, pause), engine: describeEngine() };
  });
}
