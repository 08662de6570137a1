/**
 * The verb `compareTransfer`: trains networks that differ in one thing, and transfers each to many
 * sets.
 */
import type { TransferMetric } from "lib/datasets/mod.ts";
import { type Arm, armName, familyOfArm } from "lib/experiments/configs/arms.ts";
import { type ArmSetting, changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";
import {
  type CompareOptions,
  trainedRun,
  unseen,
} from "lib/experiments/pretrain/compare_configs.ts";
import { counter, plural } from "lib/experiments/runs/in_turn.ts";
import { transfer, type TransferOptions, type TransferProtocol } from "./transfer.ts";
import { transferFacts, type TransferName } from "./transfer_data.ts";

/** Scores of one network on one set. */
export interface SetScores {
  /** Name of the set. */
  readonly set: TransferName;
  /** Name of the set in tables. */
  readonly title: string;
  /** What the scores are. */
  readonly metric: TransferMetric;
  /** A fraction for each seed; with few images a class, the mean over draws. */
  readonly values: readonly number[];
}

/** One network on all sets. */
export interface ArmTransfer extends Arm {
  /** Name of the arm: `BC-SSL, 9×9`. */
  readonly name: string;
  /** Name of its family: `BC-SSL`. */
  readonly family: string;
  /** Scores by set, in the order that was asked for. */
  readonly scores: readonly SetScores[];
  /** How the networks were transferred. */
  readonly protocol: TransferProtocol;
  /** Training images of each class; absent for all. */
  readonly shots?: number;
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
  /** Ids of the runs, one for each seed. */
  readonly runs: readonly string[];
}

/** Setting, seeds and sets of a comparison, and how its progress is shown. */
export interface CompareTransferOptions
  extends
    ArmSetting,
    Pick<CompareOptions, "scale" | "seeds" | "watch">,
    Pick<TransferOptions, "protocol" | "shots" | "draws"> {
  /** The sets: a list of `transferSuites`, or one's own. */
  readonly sets: readonly TransferName[];
}

/**
 * Trains every arm with every seed, as `ablate` does, and transfers its teacher to every set.
 * Finished runs and scores that are there are loaded.
 *
 * @returns One result per arm, in their order.
 * @throws {RangeError} If there is no arm, seed or set, or for the reasons of `ablate` and
 *   {@linkcode transfer}.
 * @throws {Error} If a set's files are missing, or it was interrupted: what was done is kept, and the
 *   same call goes on.
 *
 * @example
 * ```ts
 * import { compareTransfer } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const [result] = await compareTransfer(
 *   [{ arch: "convnext", kernelSize: 3, batchNorm: true }],
 *   { scale: "smoke", seeds: [0], sets: ["digits", "letters"], protocol: "knn", geometry: "coarse" },
 * );
 * assertEquals(result!.scores.map(({ title }) => title), ["Digits", "Letters"]);
 * ```
 */
export async function compareTransfer(
  arms: readonly Arm[],
  options: CompareTransferOptions,
): Promise<ArmTransfer[]> {
  const { scale, seeds, sets, protocol = "probe", shots, draws, watch = unseen } = options;
  const { data, geometry, change } = options;
  const counts = [[arms, "network"], [seeds, "seed"], [sets, "set"]] as const;
  const title = counts.map(([{ length }, noun]) => plural(length, noun)).join(", ");
  if (counts.some(([{ length }]) => length === 0)) {
    throw new RangeError(`Cannot compare transfer: need some of each, current are ${title}`);
  }
  for (const set of sets) transferFacts(set);
  const configs = arms.map((arm) => changedArmConfig(arm, { scale, data, geometry, change }));
  const measured = await watch(title, async (hooks) => {
    const pairs = seeds.flatMap((seed) => arms.map((arm, i) => ({ seed, arm, i })));
    const count = counter(pairs.length * (1 + sets.length), hooks);
    const runs: string[] = [];
    for (const { seed, arm, i } of pairs) {
      const named = `${armName(arm)}, seed ${seed}`;
      const how = { scale, watch, ...hooks, seed };
      runs.push((await count(() => trainedRun(named, configs[i]!, how))).run);
    }
    const scores: number[][] = [];
    for (const set of sets) { // one set after the other, since making its images takes seconds
      const ofSet: number[] = [];
      for (const { seed, i } of pairs) {
        const how = { scale, seed, protocol, shots, draws, signal: hooks.signal };
        ofSet.push(await count(async () => (await transfer(configs[i]!, set, how)).mean));
      }
      scores.push(ofSet);
    }
    return { runs, scores };
  });
  /** The values of one arm, one for each seed, of a list with one for each pair. */
  const ofArm = <T>(values: readonly T[], i: number) =>
    seeds.map((_, s) => values[s * arms.length + i]!);
  return arms.map((arm, i) => ({
    ...arm,
    ...{ name: armName(arm), family: familyOfArm(arm), protocol, scale, seeds },
    ...(shots !== undefined && { shots }),
    scores: sets.map((set, s) => {
      const { title, metric } = transferFacts(set);
      return { set, title, metric, values: ofArm(measured.scores[s]!, i) };
    }),
    runs: ofArm(measured.runs, i),
  }));
}
