/**
 * The verb `armCams`: how well the class activation maps of arms find the object, over seeds
 * (§5.1).
 */
import { loadEmoji } from "lib/datasets/emoji/emoji.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { inMemory, thinned } from "lib/datasets/pictures/stored_images.ts";
import { camLayerAt, hotThreshold } from "lib/explain/mod.ts";
import { ablate, type AblateOptions, type ArmResult } from "lib/experiments/pretrain/ablate.ts";
import { type Arm, armConfig, armName } from "lib/experiments/configs/arms.ts";
import {
  type CamScoreRow,
  type CamsOptions,
  scoreCams,
  type ScoreCamsOptions,
} from "lib/experiments/explain/cams.ts";
import { recipeAt, type ScaleName, sizesAt } from "lib/experiments/configs/config.ts";
import { openData } from "lib/experiments/configs/data.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import type { RunToExplain } from "lib/experiments/explain/explained.ts";
import { counter } from "lib/experiments/runs/in_turn.ts";
import { findSubject } from "lib/experiments/subjects/subject.ts";

/** Scores of the maps of one arm. */
export interface ArmCams extends ArmResult {
  /** Grad-CAM and Eigen-CAM of each seed's teacher; errors are over images. */
  readonly rows: readonly CamScoreRow[];
}

/** Teachers of arms as `cams` takes them. */
export function camSubjects(
  arms: readonly Arm[],
  { scale, seed }: { readonly scale: ScaleName; readonly seed: number },
): RunToExplain[] {
  return arms.map((arm) => ({
    name: armName(arm),
    config: armConfig(arm, { scale }),
    scale,
    seed,
  }));
}

/** Scale and seeds of the runs, which layer is drawn, and how progress is shown. */
export interface ArmCamsOptions
  extends Pick<AblateOptions, "scale" | "seeds" | "watch">, Pick<CamsOptions, "layer"> {}

/**
 * Trains arms that `outputs/` does not hold, and scores the maps of each run's teacher against the
 * emoji's masks: on the run's own test images, for their own classes. Scores that exist are loaded.
 *
 * At `paper`, the images are 500 emoji at 224 pixels. ImageNet has no such classes, so the
 * network's first choice is explained.
 *
 * @throws {Error} If it was interrupted: finished runs are kept.
 */
export async function armCams(
  arms: readonly Arm[],
  { scale, seeds, layer, watch = (_, run) => run({}) }: ArmCamsOptions,
): Promise<ArmCams[]> {
  const trained = await ablate(arms, { scale, seeds, watch });
  let images: Promise<ImageSet> | undefined;
  const rows = await watch(`maps of ${arms.length * seeds.length} networks`, async (hooks) => {
    const count = counter(arms.length * seeds.length, hooks);
    const bySeed: CamScoreRow[][][] = [];
    for (const seed of seeds) {
      const ofSeed: CamScoreRow[][] = [];
      for (const subject of camSubjects(arms, { scale, seed })) {
        const explain = scale === "paper" ? "choice" : "label";
        const options = { explain, layer, ...hooks } as const;
        const open = () => images ??= maskedImages(arms[0]!, scale);
        ofSeed.push(await count(() => scoresOf(subject, open, options)));
      }
      bySeed.push(ofSeed);
    }
    return bySeed;
  });
  return trained.map((arm, i) => ({
    ...arm,
    rows: rows.flatMap((ofSeed, s) =>
      ofSeed[i]!.map((row) => ({ ...row, seed: seeds[s]!, run: arm.runs[s]! }))
    ),
  }));
}

/** Scores of one run, from its folder if it has them. */
async function scoresOf(
  subject: RunToExplain,
  open: () => Promise<ImageSet>,
  { explain, layer, signal }: Pick<ScoreCamsOptions, "explain" | "layer" | "signal">,
): Promise<CamScoreRow[]> {
  const { folder, version } = findSubject(subject, "teacher");
  const { model, crops: { globalSize } } = recipeAt(subject.config, subject.scale);
  const layers = [camLayerAt(model, globalSize, layer)];
  const options = { version, layers, explain, threshold: hotThreshold };
  return await evaluated(
    folder,
    { name: "cams", options, fresh: false },
    async () => await scoreCams([{ ...subject, layers }], await open(), { explain, signal }),
  );
}

const emojiAtPaper = 500;

async function maskedImages(arm: Arm, scale: ScaleName): Promise<ImageSet> {
  const config = armConfig(arm, { scale });
  if (scale !== "paper") {
    return inMemory((await openData(config.data, sizesAt(config, scale))).test, "explain");
  }
  const { globalSize: size } = recipeAt(config, scale).crops;
  return thinned((await loadEmoji({ size })).test, emojiAtPaper);
}
