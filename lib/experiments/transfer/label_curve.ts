/**
 * The verb `labelCurve`: how many labels pre-training is worth, from a few images of each class to
 * all of them.
 */
import { type Arm, armName } from "lib/experiments/configs/arms.ts";
import { type ArmSetting, changedArmConfig } from "lib/experiments/configs/arm_change.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";
import {
  type CompareOptions,
  trainedRun,
  unseen,
} from "lib/experiments/pretrain/compare_configs.ts";
import { counter, plural } from "lib/experiments/runs/in_turn.ts";
import { transfer, type TransferOptions } from "./transfer.ts";
import { transferFacts, type TransferName } from "./transfer_data.ts";

/**
 * How labels are used: by a linear probe on the pre-trained features, by fine-tuning the pre-trained
 * network, or by training the same network from scratch.
 */
export const labelWays = ["probe", "finetune", "scratch"] as const;
/** One of them. */
export type LabelWay = typeof labelWays[number];

/** Scores with so many labels. */
export interface LabelPoint {
  /** How the labels are used. */
  readonly way: LabelWay;
  /** Training images of each class; `Infinity` for all. */
  readonly shots: number;
  /** Number of training images: the mean over seeds. */
  readonly images: number;
  /** A fraction for each seed, each with a draw of its own. */
  readonly values: readonly number[];
}

/** A curve for one network and set. */
export interface LabelCurve {
  /** Name of the network. */
  readonly name: string;
  /** Name of the set in figures. */
  readonly title: string;
  /** All points: for each way, by the number of images. */
  readonly points: readonly LabelPoint[];
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
  /** Ids of the pre-trained runs, one for each seed. */
  readonly runs: readonly string[];
}

/** Which network, set and numbers of labels. */
export interface LabelCurveOptions
  extends ArmSetting, Pick<CompareOptions, "scale" | "seeds" | "watch"> {
  /** The set whose labels they are. */
  readonly set: TransferName;
  /** Training images of each class, ascending; `Infinity` for all. */
  readonly shots: readonly number[];
}

/**
 * Trains an arm with every seed, and scores it with more and more labels in three ways. What is there
 * is loaded.
 *
 * @throws {RangeError} If there is no seed or number of images, or for the reasons of `transfer`.
 * @throws {Error} If it was interrupted: what was done is kept, and the same call goes on.
 *
 * @example
 * ```ts
 * import { labelCurve } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const arm = { arch: "convnext", kernelSize: 3, batchNorm: true } as const;
 * const { points } = await labelCurve(arm, {
 *   ...{ scale: "smoke", seeds: [0], set: "digits", shots: [2], geometry: "coarse" },
 * });
 * assertEquals(points.map(({ way }) => way), ["probe", "finetune", "scratch"]);
 * ```
 */
export async function labelCurve(
  arm: Arm,
  { scale, seeds, set, shots, watch = unseen, ...setting }: LabelCurveOptions,
): Promise<LabelCurve> {
  if (seeds.length === 0 || shots.length === 0) {
    throw new RangeError(
      `Cannot draw a curve of labels: need a seed and a number of images, current are ` +
        `${seeds.length} and ${shots.length}`,
    );
  }
  const { title } = transferFacts(set);
  const config = changedArmConfig(arm, { scale, ...setting });
  const points = labelWays.flatMap((way) => shots.map((shots) => ({ way, shots })));
  const name = armName(arm);
  const plan = `${name} with labels of ${title}, ${plural(seeds.length, "seed")}`;
  const measured = await watch(plan, async (hooks) => {
    const count = counter(seeds.length * (1 + points.length), hooks);
    const rows: { readonly run: string; readonly scores: readonly Score[] }[] = [];
    for (const seed of seeds) {
      const train = () =>
        trainedRun(`${name}, seed ${seed}`, config, { scale, watch, ...hooks, seed });
      const { run } = await count(train);
      const scores: Score[] = [];
      for (const { way, shots } of points) {
        scores.push(
          await count(async () => {
            const few = Number.isFinite(shots) ? { shots, draws: [seed] } : {};
            const how = { scale, seed, signal: hooks.signal, ...few, ...howBy(way) };
            const { mean, images } = await transfer(config, set, how);
            return { score: mean, images: images[0]! };
          }),
        );
      }
      rows.push({ run, scores });
    }
    return rows;
  });
  return {
    ...{ name, title, scale, seeds, runs: measured.map(({ run }) => run) },
    points: points.map((point, i) => {
      const own = measured.map(({ scores }) => scores[i]!);
      const images = own.reduce((sum, { images }) => sum + images, 0) / own.length;
      return { ...point, images, values: own.map(({ score }) => score) };
    }),
  };
}

interface Score {
  readonly score: number;
  readonly images: number;
}

function howBy(way: LabelWay): Pick<TransferOptions, "protocol" | "of"> {
  if (way === "probe") return { protocol: "probe" };
  return { protocol: "finetune", of: way === "scratch" ? "init" : "teacher" };
}
