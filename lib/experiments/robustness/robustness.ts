/**
 * The verb `robustness`: accuracy of linear probes on images that differ from the training images
 * (§4.3, Table 5).
 */
import type { TrainHooks } from "lib/runs/events.ts";
import { table5, type Table5Row } from "lib/paper/mod.ts";
import {
  alexNetErrors,
  corruptionNames,
  meanCorruptionError,
  type MeanErrors,
  meanErrors,
} from "lib/robustness/mod.ts";
import { ablate, type AblateOptions, type ArmResult } from "lib/experiments/pretrain/ablate.ts";
import { type Arm, armConfig, armName, familyOfArm } from "lib/experiments/configs/arms.ts";
import type { PretrainConfig, RunKey } from "lib/experiments/configs/config.ts";
import { counter } from "lib/experiments/runs/in_turn.ts";
import {
  openProbe,
  type ShiftedScores,
  shiftedScores,
} from "lib/experiments/robustness/shifted_scores.ts";
import {
  openShiftedSets,
  type ShiftedSet,
  type ShiftedSets,
} from "lib/experiments/robustness/shifted_sets.ts";

/** Results of one arm: Table 5's columns. Fractions, one for each seed, in the order of `seeds`. */
export interface RobustResult extends ArmResult {
  /** mCE: errors divided by those of `baseline`, mean over the 15 corruptions. Lower is better. */
  readonly corruption: readonly number[];
  /** Errors without that division, mean over corruptions and severities. */
  readonly meanError: readonly number[];
  /** Accuracy on sketches. */
  readonly sketch: readonly number[];
  /** Accuracy on renditions: the same things in other styles. */
  readonly rendition: readonly number[];
  /** Accuracy on images that another network got wrong. */
  readonly adversarial: readonly number[];
  /** All scores, one entry per seed. */
  readonly scores: readonly ShiftedScores[];
  /** The network by whose errors mCE is normalised. */
  readonly baseline: "ResNet" | "AlexNet";
  /** The row of Table 5, if there is one. */
  readonly printed?: Table5Row;
}

/** Scale and seeds of the runs, and how progress is shown. */
export type RobustnessOptions = Pick<AblateOptions, "scale" | "seeds" | "watch">;

/**
 * Trains arms that `outputs/` does not hold, then tests the linear probe of each run on shifted
 * images. The probe has learned from clean images alone. Results that exist are loaded.
 *
 * For emoji there are 15 corruptions in five severities, and each image is corrupted once for all
 * networks; mCE is normalised by the errors of the ResNet among the arms, averaged over seeds.
 * Sketches are drawings in one colour, renditions come from two styles that training never saw, and
 * adversarial images are the test images that the ResNet of the same seed misses by a margin, so it
 * scores 0 there by construction.
 *
 * At `paper` the sets are ImageNet-C, -Sketch, -R and -A, with all 1,000 classes as candidates, as
 * in the paper; mCE is normalised by AlexNet's errors.
 *
 * @throws {RangeError} If there is no ResNet among the arms, except at `paper`; or as `ablate`.
 * @throws {Error} If it was interrupted: finished runs are kept. Or if one of ImageNet's sets is
 *   missing.
 */
export async function robustness(
  arms: readonly Arm[],
  { scale, seeds, watch = (_, run) => run({}) }: RobustnessOptions,
): Promise<RobustResult[]> {
  const resNet = arms.findIndex(({ arch }) => arch === "resnet");
  if (resNet < 0 && scale !== "paper") {
    throw new RangeError(
      "Cannot measure robustness: need the ResNet among the arms, which chooses the hard images and by whose errors all are " +
        `divided; current are ${arms.map(armName).join("; ")}`,
    );
  }
  const trained = await ablate(arms, { scale, seeds, watch });
  const configs = arms.map((arm) => armConfig(arm, { scale }));
  const judge = scale === "paper" ? undefined : configs[resNet];
  const scores = await watch(
    `robustness of ${arms.length * seeds.length} networks`,
    (hooks) => scoresOfAll(configs, { scale, seeds, judge, hooks }),
  );
  const baseline = judge
    ? { name: "ResNet", errors: overSeeds(scores.map((row) => row[resNet]!)) } as const
    : { name: "AlexNet", errors: alexNetErrors } as const;
  return trained.map((arm, i) => ({
    ...arm,
    ...joinSeeds(scores.map((row) => row[i]!), baseline.errors),
    baseline: baseline.name,
    printed: printedOf(arm),
  }));
}

interface All extends Pick<RobustnessOptions, "scale" | "seeds"> {
  /** The config whose run chooses the adversarial images. */
  readonly judge?: PretrainConfig;
  readonly hooks: TrainHooks;
}

/** Scores of all runs: seed by seed, config by config. */
async function scoresOfAll(
  configs: readonly PretrainConfig[],
  { scale, seeds, judge, hooks }: All,
): Promise<ShiftedScores[][]> {
  const { signal } = hooks;
  const count = counter(configs.length * seeds.length, hooks);
  const sets = once(() => openShiftedSets(configs[0]!, scale));
  const bySeed: ShiftedScores[][] = [];
  for (const seed of seeds) {
    const judging = judge && { config: judge, scale, seed };
    const adversarial = once(async () => await adversarialOf(await sets(), judging, signal));
    const row: ShiftedScores[] = [];
    for (const config of configs) {
      const how = { sets, adversarial, judge: judging, signal };
      row.push(await count(() => shiftedScores({ config, scale, seed }, how)));
    }
    bySeed.push(row);
  }
  return bySeed;
}

/** Wraps a function so that it runs at the first call only; later calls get the same result. */
function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => result ??= run();
}

async function adversarialOf(
  { adversarial }: ShiftedSets,
  judge: RunKey | undefined,
  signal: AbortSignal | undefined,
): Promise<ShiftedSet> {
  if (judge === undefined) return await adversarial();
  using probe = await openProbe(judge, signal);
  return await adversarial(probe.classify);
}

/** Joins all seeds of one arm. */
function joinSeeds(scores: readonly ShiftedScores[], baseline: MeanErrors) {
  const corrupted = scores.map(({ errors }) => meanCorruptionError(errors, baseline));
  return {
    corruption: corrupted.map(({ mce }) => mce),
    meanError: corrupted.map(({ meanError }) => meanError),
    sketch: scores.map(({ sketch }) => sketch.all),
    rendition: scores.map(({ rendition }) => rendition.all),
    adversarial: scores.map(({ adversarial }) => adversarial.all),
    scores,
  };
}

/** Error of each corruption, mean over severities and seeds. */
function overSeeds(scores: readonly ShiftedScores[]): MeanErrors {
  const bySeed = scores.map(({ errors }) => meanErrors(errors));
  return Object.fromEntries(corruptionNames.map((name) => [
    name,
    bySeed.reduce((sum, own) => sum + own[name]!, 0) / bySeed.length,
  ]));
}

function printedOf(arm: Arm): Table5Row | undefined {
  const of = { "ResNet": "ResNet-50", "ViT": "ViT-S", "Swin": "Swin-T", "BC-SSL": "BC-SSL-T" };
  const arch: string | undefined = of[familyOfArm(arm) as keyof typeof of];
  return table5.rows.find((row) =>
    row.epochs === 100 && row.arch === arch &&
    (arm.kernelSize === undefined || row.kernelSize === arm.kernelSize)
  );
}
