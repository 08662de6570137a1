/** The config of a detector's training: plain data, like that of every experiment. */
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

/** Which pictures a detector is trained on. The scale says how large and how many they are. */
export type DetectionDataConfig =
  /** Emoji on textured backgrounds, drawn when they are needed; every seed gets the same ones. */
  | { readonly kind: "scenes" }
  /**
   * A folder in COCO's layout: pictures in `<train>/` and `<val>/`, annotations in
   * `annotations/instances_<train>.json` and `annotations/instances_<val>.json`. By default the
   * folder is `data/coco`, and the names are `train2017` and `val2017`.
   */
  | {
    readonly kind: "coco";
    readonly folder?: string;
    readonly train?: string;
    readonly val?: string;
    /**
     * What happens to pictures and objects with a fault. By default they are named and left out;
     * with `stop`, one fault refuses the whole set.
     */
    readonly onFault?: "leave out" | "stop";
  };

/** The sizes of a detector's training at a scale. */
export interface DetectorScale {
  /**
   * Shorter side, in pixels, of the pictures that the detector is measured on. The longer side has
   * at most 1333/800 of it.
   */
  readonly imageSize: number;
  /** At most so many pictures of COCO; exactly so many scenes. */
  readonly trainCount: number;
  /** At most so many pictures of COCO to measure on; exactly so many scenes. */
  readonly valCount: number;
  /** Pictures in one step of the optimiser. */
  readonly batchSize: number;
  /** Passes over the training pictures. */
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
    /** By default the detector's own seed, so that detectors are paired by seed. */
    readonly seed?: number;
    /** By default the run's teacher; `init` are the weights that the run started from. */
    readonly of?: Exclude<Subject, object>;
  }
  /** A file of any kind that `loadWeights` reads; `key` says which of its dictionaries. */
  | { readonly weights: string; readonly key?: string }
  /** Random weights, drawn from the seed. */
  | null;

/** A detector's training: one network, one recipe, one set, three scales. */
export interface DetectorConfig extends ScaledConfig<DetectorScale> {
  /** The pictures to train on and to measure on. */
  readonly data: DetectionDataConfig;
  /** First weights of the backbone. */
  readonly pretrained: BackboneOrigin;
  /** The network, without the number of classes: the data say how many there are. */
  readonly model: Omit<MaskRcnnConfig, "numClasses">;
  /**
   * The recipe without what the scale decides. Sides in the augmentation are fractions of the
   * scale's `imageSize`.
   */
  readonly recipe: Omit<DetectorRecipe, "batchSize" | "epochs">;
}

schemaOf<DetectorConfig>()(detectorSchema); // does not compile where the two differ

/** What decides the numbers of a detector's training. */
export type DetectorKey = Key<DetectorConfig>;

const longest = 1333 / 800; // of a picture's longer side to `imageSize`, in every reference

/**
 * The whole recipe at a scale, with sides in pixels.
 *
 * @throws {RangeError | TypeError} As {@linkcode sizesAt}.
 */
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

/** The size in pixels, and the normalisation, of pictures that the detector is measured on. */
export function shownAt(
  config: DetectorConfig,
  scale: ScaleName,
): { readonly shortSide: number; readonly longSide: number; readonly stats: ChannelStats } {
  const { imageSize } = sizesAt(config, scale);
  const { stats } = config.recipe;
  return { shortSide: imageSize, longSide: Math.round(longest * imageSize), stats };
}

/** The run that a backbone comes from; `undefined` if it comes from none. */
export function originRun({ config: { pretrained }, seed }: DetectorKey) {
  if (pretrained === null || "weights" in pretrained) return undefined;
  const { config, scale, seed: own = seed, of = "teacher" } = pretrained;
  return { key: { config, scale, seed: own }, of } as const;
}

/**
 * The id of a detector's run: runs with the same numbers have the same id.
 *
 * @throws {RangeError | TypeError} As {@linkcode sizesAt}.
 */
export function detectorId(key: DetectorKey): string {
  const { config, scale, seed } = key;
  const sizes = sizesAt(config, scale);
  const { name, data, model, recipe, pretrained } = config;
  const run = originRun(key);
  const origin = run ? { run: runId(run.key), of: run.of } : pretrained;
  return hashedName(name, { data, model, recipe, origin, scale: sizes, seed });
}
