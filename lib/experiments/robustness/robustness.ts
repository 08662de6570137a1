/** The verb `robustness`: how well linear probes do on images that differ from the training images (§4.3, Table 5). */
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

/** What one arm reached: Table 5's columns. Fractions, one for each seed, in the order of `seeds`. */
export interface RobustResult extends ArmResult {
  /** mCE: errors over those of `baseline`, mean over the 15 corruptions. The lower, the better. */
  readonly corruption: readonly number[];
  /** Errors as they are, mean over corruptions and severities. */
  readonly meanError: readonly number[];
  readonly sketch: readonly number[];
  readonly rendition: readonly number[];
  readonly adversarial: readonly number[];
  /** All that was counted. */
  readonly scores: readonly ShiftedScores[];
  /** Whose errors mCE is normalised by. */
  readonly baseline: "ResNet" | "AlexNet";
  /** The row of Table 5, if there is one. */
  readonly printed?: Table5Row;
}

export type RobustnessOptions = Pick<AblateOptions, "scale" | "seeds" | "watch">;

/**
 * Trains what `outputs/` does not hold of the arms, then tests the linear probe of each run, which has learned from clean images
 * alone, on shifted ones. What is measured once loads.
 *
 * Of emoji: 15 corruptions in five severities, each image corrupted once for all networks; mCE is normalised by the errors of the
 * ResNet among the arms, their mean over seeds. Sketches are drawings in one ink, renditions those of two styles that training
 * never saw, adversarial ones the test images that the ResNet of the same seed misses by a margin: it scores 0 there by
 * construction.
 *
 * At `paper`: ImageNet-C, -Sketch, -R and -A, with all 1,000 classes as candidates, as the paper has it; mCE by AlexNet's errors.
 *
 * @throws {RangeError} If there is no ResNet among the arms, but at `paper`; or as `ablate`.
 * @throws {Error} If it was interrupted: runs that were done are kept. Or if one of ImageNet's sets is not there.
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
    ...gathered(scores.map((row) => row[i]!), baseline.errors),
    baseline: baseline.name,
    printed: printedOf(arm),
  }));
}

interface All extends Pick<RobustnessOptions, "scale" | "seeds"> {
  /** Who chooses the adversarial images. */
  readonly judge?: PretrainConfig;
  readonly hooks: TrainHooks;
}

/** Seed by seed, config by config. */
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

/** Runs when it is first asked, and gives everyone the same. */
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

/** All seeds of one arm. */
function gathered(scores: readonly ShiftedScores[], baseline: MeanErrors) {
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

/** Each corruption's error, mean over severities and seeds. */
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
