/**
 * The verb `armCams`: how well the class activation maps of arms find the object, over seeds
 * (§5.1).
 */
import { loadEmoji } from "lib/datasets/emoji/emoji.ts";
import type { ImageSet } from "lib/datasets/pictures/images.ts";
import { inMemory, thinned } from "lib/datasets/pictures/stored_images.ts";
import { hotThreshold } from "lib/explain/mod.ts";
import { ablate, type AblateOptions, type ArmResult } from "lib/experiments/pretrain/ablate.ts";
import { type Arm, armConfig, armName } from "lib/experiments/configs/arms.ts";
import {
  type CamScoreRow,
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

/**
 * Layers of the small networks: for each, the last map of 4 × 4 positions. For images of 32 pixels
 * their last stage has a single position, whose map would be one colour. The ViT keeps 8 × 8
 * tokens, so its layer is the paper's.
 */
const smallLayers: Partial<Record<Arm["arch"], string>> = {
  resnet: "layer2.0",
  convnext: "stages.1.0",
  swin: "layers.1.blocks.1.norm1",
};

/**
 * Teachers of arms as `cams` takes them: at `paper` with the paper's layers, otherwise with layers
 * of 4 × 4 positions.
 */
export function camSubjects(
  arms: readonly Arm[],
  { scale, seed }: { readonly scale: ScaleName; readonly seed: number },
): RunToExplain[] {
  return arms.map((arm) => {
    const layer = scale === "paper" ? undefined : smallLayers[arm.arch];
    const layers = layer === undefined ? undefined : [layer];
    return { name: armName(arm), config: armConfig(arm, { scale }), scale, seed, layers };
  });
}

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
  { scale, seeds, watch = (_, run) => run({}) }: Pick<AblateOptions, "scale" | "seeds" | "watch">,
): Promise<ArmCams[]> {
  const trained = await ablate(arms, { scale, seeds, watch });
  let images: Promise<ImageSet> | undefined;
  const rows = await watch(`maps of ${arms.length * seeds.length} networks`, async (hooks) => {
    const count = counter(arms.length * seeds.length, hooks);
    const bySeed: CamScoreRow[][][] = [];
    for (const seed of seeds) {
      const ofSeed: CamScoreRow[][] = [];
      for (const subject of camSubjects(arms, { scale, seed })) {
        const options = { explain: scale === "paper" ? "choice" : "label", ...hooks } as const;
        const open = () => images ??= maskedImages(arms[0]!, scale);
        ofSeed.push(await count(() => scoresOf(subject, open, options)));
      }
      bySeed.push(ofSeed);
    }
    return bySeed;
  });
  return trained.map((arm, i) => ({ ...arm, rows: rows.flatMap((ofSeed) => ofSeed[i]!) }));
}

/** Scores of one run, from its folder if it has them. */
async function scoresOf(
  subject: RunToExplain,
  open: () => Promise<ImageSet>,
  { explain, signal }: Pick<ScoreCamsOptions, "explain" | "signal">,
): Promise<CamScoreRow[]> {
  const { folder, version } = findSubject(subject, "teacher");
  const { layers } = subject;
  const options = { version, layers, explain, threshold: hotThreshold };
  return await evaluated(
    folder,
    { name: "cams", options, fresh: false },
    async () => await scoreCams([subject], await open(), { explain, signal }),
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
