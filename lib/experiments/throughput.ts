/** The verb `throughput`: images a second of a network on this machine (Table 3's column). */
import { createRng } from "lib/rng.ts";
import { measureThroughput, type Throughput, type ThroughputOptions } from "lib/eval/throughput.ts";
import { createModel, type ModelConfig } from "lib/models/mod.ts";
import { describeEngine } from "lib/experiments/engine.ts";
import { interruptible } from "lib/experiments/pause.ts";

export interface ThroughputVerbOptions extends ThroughputOptions {
  readonly signal?: AbortSignal;
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
 * @throws {Error} If `signal` is aborted.
 */
export async function throughput(
  config: ModelConfig,
  { signal, ...options }: ThroughputVerbOptions = {},
): Promise<ThroughputResult> {
  using model = createModel(config, createRng(0));
  const pause = interruptible("the measurement of throughput", signal);
  return { ...await measureThroughput(model, options, pause), engine: describeEngine() };
}
