/** The verb `throughput`: images a second of a network on this machine (Table 3's column). */
import { join } from "@std/path";
import { createRng } from "lib/rng.ts";
import {
  measureThroughput,
  type Throughput,
  type ThroughputOptions,
} from "lib/eval/images_per_second.ts";
import { createModel, type ModelConfig } from "lib/models/mod.ts";
import { describeEngine } from "lib/experiments/runs/engine.ts";
import { describeEnvironment } from "lib/experiments/runs/environment.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";
import { outputsFolder } from "lib/experiments/runs/run_folder.ts";

export interface ThroughputVerbOptions extends ThroughputOptions {
  readonly signal?: AbortSignal;
  /** Forget what `outputs/machine/` has and measure again. */
  readonly fresh?: boolean;
}

/** Numbers only. */
export interface ThroughputResult extends Throughput {
  /** What computed. */
  readonly engine: string;
}

/**
 * Measures a network with random weights as the reference does: 50 forward passes to warm up, 30 on the clock. Fewer, smaller
 * batches and smaller images are for a laptop: `{ batchSize: 8, warmup: 3, timed: 5 }`.
 *
 * What was measured on a machine of this processor, with these versions and kernels, is loaded from `outputs/machine/`: a busy one
 * is slower, so measure `fresh` what matters.
 *
 * @throws {Error} If `signal` is aborted: nothing is kept then.
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
    using model = createModel(config, createRng(0));
    const pause = interruptible("the measurement of throughput", signal);
    return { ...await measureThroughput(model, sizes, pause), engine: describeEngine() };
  });
}
