/** What a detector's training is: plain data, like every experiment. */
import type { ChannelStats } from "lib/augment/mod.ts";
import type { DetectorRecipe } from "lib/detect/training/detector_recipe.ts";
import type { MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { schemaOf } from "lib/schema/fields.ts";
import {
  hashedName,
  type Key,
  type PretrainConfig,
  runId,
  type ScaleName,
  sizesAt,
} from "lib/experiments/configs/config.ts";
import type { ScaledConfig } from "lib/experiments/configs/config_types.ts";
import { detectorSchema } from "lib/experiments/configs/detector_schema.ts";
import type { Subject } from "lib/experiments/subjects/subject.ts";

/** Which pictures. Sizes are the scale's business. */
export type DetectionDataConfig =
  /** Emoji on textured backgrounds, made on the spot; those of every seed are the same. */
  | { readonly kind: "scenes" }
  /**
   * A folder in COCO's layout: pictures in `<train>/` and `<val>/`, annotations in `annotations/instances_<train>.json` and so on.
   * Without a folder it is `data/coco`; without names, they are `train2017` and `val2017`.
   */
  | {
    readonly kind: "coco";
    readonly folder?: string;
    readonly train?: string;
    readonly val?: string;
    /** What happens to images and objects with a fault. By default they are named and left out; `stop` refuses the set. */
    readonly onFault?: "leave out" | "stop";
  };

/** How much of it: sizes only, as of every experiment. */
export interface DetectorScale {
  /** Shorter side in pixels of the pictures that the detector is measured on; a longer one of up to five thirds. */
  readonly imageSize: number;
  /** At most so many; scenes are made in these numbers. */
  readonly trainCount: number;
  readonly valCount: number;
  readonly batchSize: number;
  readonly epochs: number;
  /** Steps between two measurements on val. */
  readonly monitorEvery: number;
}

/** Where a backbone's first weights come from. */
export type BackboneOrigin =
  | {
    /** A pre-training of the same network. */
    readonly config: PretrainConfig;
    readonly scale: ScaleName;
    /** By default the detector's own, so that arms are paired by seed. */
    readonly seed?: number;
    /** By default its teacher; `init` are the weights that it started from. */
    readonly of?: Exclude<Subject, object>;
  }
  /** A file of any kind that `loadWeights` reads. */
  | { readonly weights: string }
  /** Drawn from the seed. */
  | null;

/** A detector's training: one network, one recipe, one set, three scales. */
export interface DetectorConfig extends ScaledConfig<DetectorScale> {
  readonly data: DetectionDataConfig;
  readonly pretrained: BackboneOrigin;
  /** Without the classes, which are the data's. */
  readonly model: Omit<MaskRcnnConfig, "numClasses">;
  /** Without what the scale decides. Sides of the augmentation are fractions of its `imageSize`. */
  readonly recipe: Omit<DetectorRecipe, "batchSize" | "epochs">;
}

schemaOf<DetectorConfig>()(detectorSchema); // does not compile where the two differ

/** What decides the numbers of a detector's training. */
export type DetectorKey = Key<DetectorConfig>;

const longest = 1333 / 800; // of a picture's longer side to `imageSize`, in every reference

/** The recipe at a scale, whole, in pixels. @throws {RangeError} As {@linkcode sizesAt}. */
export function detectorRecipeAt(config: DetectorConfig, scale: ScaleName): DetectorRecipe {
  const { imageSize, batchSize, epochs } = sizesAt(config, scale);
  const { recipe, recipe: { augment, augment: { crop } } } = config;
  const pixels = (sides: readonly number[]) => sides.map((side) => Math.round(side * imageSize));
  return {
    ...recipe,
    augment: {
      ...augment,
      shortSides: pixels(augment.shortSides),
      longSide: Math.round(augment.longSide * imageSize),
      crop: crop && {
        ...crop,
        shortSides: pixels(crop.shortSides),
        sides: [Math.round(crop.sides[0] * imageSize), Math.round(crop.sides[1] * imageSize)],
      },
    },
    batchSize,
    epochs,
  };
}

/** How pictures are shown outside of training. */
export function shownAt(
  config: DetectorConfig,
  scale: ScaleName,
): { readonly shortSide: number; readonly longSide: number; readonly stats: ChannelStats } {
  const { imageSize } = sizesAt(config, scale);
  const { stats } = config.recipe;
  return { shortSide: imageSize, longSide: Math.round(longest * imageSize), stats };
}

/** The run that a backbone comes from, or `undefined`. */
export function originRun({ config: { pretrained }, seed }: DetectorKey) {
  if (pretrained === null || "weights" in pretrained) return undefined;
  const { config, scale, seed: own = seed, of = "teacher" } = pretrained;
  return { key: { config, scale, seed: own }, of } as const;
}

/** The name of a run: the same numbers, the same id. */
export function detectorId(key: DetectorKey): string {
  const { config, scale, seed } = key;
  const sizes = sizesAt(config, scale);
  const { name, data, model, recipe, pretrained } = config;
  const run = originRun(key);
  const origin = run ? { run: runId(run.key), of: run.of } : pretrained;
  return hashedName(name, { data, model, recipe, origin, scale: sizes, seed });
}
