/** The verb `qualityScores`: the quality of features without labels, beside a linear probe with them. */
import type { TrainHooks } from "lib/runs/events.ts";
import type { PretrainConfig, ScaleName } from "lib/experiments/configs/config.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import { type FeatureQuality, featureQuality } from "lib/experiments/measure/feature_quality.ts";
import { counter } from "lib/experiments/runs/in_turn.ts";

/** A config under the name that it has in tables and figures. */
export interface NamedConfig {
  /** Name of the method or the network: `BYOL`. */
  readonly name: string;
  /** What its runs were trained by. */
  readonly config: PretrainConfig;
}

/** The quality of one run's features, and what labels say of them. */
export interface QualityScore extends FeatureQuality {
  /** Name of the config. */
  readonly name: string;
  /**
   * Accuracy of a linear probe on the test images, a fraction; its learning rate is chosen on
   * training images held out.
   */
  readonly linear: number;
}

/** Which runs to score, and who hears of the progress. */
export interface QualityScoresOptions extends Pick<TrainHooks, "onStart" | "onEvent" | "signal"> {
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Whole numbers; a run of each config with each is scored. */
  readonly seeds: readonly number[];
}

/**
 * Measures the features of trained runs by RankMe, α-ReQ and LiDAR, and by linear probes, or loads
 * what `outputs/` has: whether the first three put runs in the order of the fourth is then seen in
 * `qualityFigure`.
 *
 * @param options.onEvent Called after each run, as for a step.
 * @returns One score for each run: all seeds of the first config, then of the second, …
 * @throws {Error} If a run is not trained, or `signal` is aborted; what was done until then is kept.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain, qualityScores } from "lib/experiments/mod.ts";
 * import { qualityTable } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const named = [{ name: "DINO", config: bcSslStart }];
 * const scores = await qualityScores(named, { scale: "smoke", seeds: [0] });
 * assertEquals(scores.map(({ name, seed }) => [name, seed]), [["DINO", 0]]);
 * qualityTable(scores); // a cell that ends in it shows it
 * ```
 */
export async function qualityScores(
  configs: readonly NamedConfig[],
  { scale, seeds, signal, ...hooks }: QualityScoresOptions,
): Promise<QualityScore[]> {
  const count = counter(configs.length * seeds.length, hooks);
  const scores: QualityScore[] = [];
  for (const { name, config } of configs) {
    for (const seed of seeds) {
      scores.push(
        await count(async () => {
          const quality = await featureQuality(config, { scale, seed, signal });
          const probe = { scale, seed, of: "teacher", signal } as const;
          const { top1: linear } = await chosenProbe(config, probe);
          return { name, ...quality, linear };
        }),
      );
    }
  }
  return scores;
}
