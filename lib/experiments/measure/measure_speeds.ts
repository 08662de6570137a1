/**
 * The verb `measureSpeeds`: images per second of Table 3's networks on this machine, beside the
 * paper's.
 */
import type { TrainHooks } from "lib/runs/events.ts";
import type { ThroughputOptions } from "lib/eval/images_per_second.ts";
import {
  bcSslConfig,
  type ModelConfig,
  resNetConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { table3 } from "lib/paper/mod.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";
import { counter } from "lib/experiments/runs/in_turn.ts";
import { throughput } from "lib/experiments/measure/throughput.ts";

/** Speed of one network. */
export interface MeasuredSpeed {
  /** Name of the network in Table 3. */
  readonly network: string;
  /** Millions of weights as the paper prints them. */
  readonly "million weights": number;
  /** Forward passes on this machine, in images per second. */
  readonly imagesPerSecond: number;
  /** Printed throughput; null where the paper has none. */
  readonly "paper, V100": number | null;
  /** Printed throughput on an A100, images per second; null where the paper has none. */
  readonly "paper, A100": number | null;
  /** Accuracies that the paper prints for it under DINO; fractions. */
  readonly linear: number;
  /** Printed accuracy of the k-NN, a fraction. */
  readonly knn: number;
  /** Images in a batch. */
  readonly batch: number;
  /** Engine and processor that computed. */
  readonly engine: string;
}

const networks: Readonly<Record<string, ModelConfig>> = {
  RN50: resNetConfig(50),
  "ViT-S": vitConfig("small"),
  "Swin-T": swinConfig("tiny"),
  "BC-SSL-T": bcSslConfig("tiny"),
  "ViT-B": vitConfig("base"),
  "Swin-S": swinConfig("small"),
  "BC-SSL-S": bcSslConfig("small"),
};

/**
 * Sizes of the measurement: the reference's own for a GPU, otherwise fewer and smaller batches, and
 * at `smoke` smaller images.
 */
const sizes: Readonly<Record<ScaleName, ThroughputOptions>> = {
  smoke: { batchSize: 1, warmup: 0, timed: 1, imageSize: 96 },
  laptop: { batchSize: 8, warmup: 2, timed: 5 },
  paper: {},
};

/** Sizes of the measurement, and whether an earlier one will do. */
export interface MeasureSpeedsOptions extends Pick<TrainHooks, "onStart" | "onEvent" | "signal"> {
  /** Name of the scale: `paper` measures as the reference does, the others less long. */
  readonly scale: ScaleName;
  /** Whether to measure again although this machine's result is there. */
  readonly fresh?: boolean;
}

/**
 * Times the networks that Table 3 has under DINO, at full size; see {@linkcode throughput}.
 *
 * @returns One row per network, in the table's order.
 * @throws {Error} If `signal` is aborted: finished measurements are kept.
 */
export async function measureSpeeds(
  { scale, fresh, signal, ...hooks }: MeasureSpeedsOptions,
): Promise<MeasuredSpeed[]> {
  const rows = table3.rows.filter(({ method, arch }) => method === "DINO" && arch in networks);
  const count = counter(rows.length, hooks);
  const speeds: MeasuredSpeed[] = [];
  for (const { arch, ...row } of rows) {
    const options = { ...sizes[scale], signal, fresh };
    const measured = await count(() => throughput(networks[arch]!, options));
    speeds.push({
      network: arch,
      "million weights": row.millionParameters,
      imagesPerSecond: measured.imagesPerSecond,
      "paper, V100": row.throughputV100,
      "paper, A100": row.throughputA100,
      linear: row.linear,
      knn: row.knn!,
      batch: measured.batchSize,
      engine: measured.engine,
    });
  }
  return speeds;
}
