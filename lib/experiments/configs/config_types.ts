/**
 * The types of a pre-training's config. It is plain data, so that it can be printed, compared,
 * hashed and overridden. `pretrain_schema.ts` says which values are allowed.
 */
import type { Recipe } from "lib/ssl/methods.ts";

/** Which images a run is trained on. The scale says how large and how many they are. */
export type DataConfig =
  | { readonly kind: "fashion-mnist"; readonly placed: boolean }
  | {
    readonly kind: "emoji";
    readonly labels: "subgroup" | "identity";
    /** On textures that all images share, instead of neutral grey; objects are placed alike. */
    readonly background?: "textured";
  }
  /** The same emoji as `emoji`, each with smaller ones around it and on a texture. */
  | { readonly kind: "scenes"; readonly labels: "subgroup" | "identity" }
  /** A person's own pictures, in two folders with a subfolder for each class. */
  | {
    readonly kind: "folder";
    readonly train: string;
    readonly test: string;
    /**
     * Share of a folder's pictures that may be damaged before the run stops, 0 to 1. By default
     * 0.2. It is not part of the run's id.
     */
    readonly maxBadFraction?: number;
  }
  /**
   * ImageNet-1K. Without a folder, it is in `data/`, and a run has the same id on every machine.
   */
  | {
    readonly kind: "imagenet";
    readonly numClasses?: number;
    readonly folder?: string;
    /** The same share for ImageNet; by default 0.01. */
    readonly maxBadFraction?: number;
  }
  | { readonly kind: "cifar10"; readonly folder?: string }
  /**
   * STL-10 and Imagenette, by default in `data/stl10` and `data/imagenette`. STL-10 pre-trains on its
   * pictures without labels.
   */
  | { readonly kind: "stl10"; readonly folder?: string }
  | { readonly kind: "imagenette"; readonly folder?: string }
  | { readonly kind: "cifar100"; readonly labels: "fine" | "coarse"; readonly folder?: string };

/**
 * The sizes of an experiment: everything that differs between smoke, laptop and paper. The method
 * is always the same.
 */
export interface Scale {
  /** Pixels a side. */
  readonly imageSize: number;
  /**
   * Largest number of training images; a smaller data set is used completely. From ImageNet,
   * emoji and scenes they are chosen evenly over the whole set, from folders evenly over each class.
   */
  readonly trainCount: number;
  /** Largest number of test images, chosen like those for training. */
  readonly testCount: number;
  /** Images in one step of the optimiser. */
  readonly batchSize: number;
  /** Passes over the training images. */
  readonly epochs: number;
  /** Steps between two points of the k-NN monitor. */
  readonly monitorEvery: number;
}

/** Names of the scales, the quickest first. */
export const scaleNames = ["smoke", "laptop", "paper"] as const;
/** Name of a scale: `smoke` takes seconds, `laptop` minutes, `paper` is the full recipe. */
export type ScaleName = typeof scaleNames[number];

/** The fields of every experiment, whatever it trains. `S` is the type of the sizes of a scale. */
export interface ScaledConfig<S> {
  /** Name of the experiment, and so the first part of its runs' ids. */
  readonly name: string;
  /** Sizes by the name of their scale. */
  readonly scales: Readonly<Record<ScaleName, S>>;
}

/** A recipe without the fields that the scale sets. A union of recipes gives a union. */
export type RecipeAnyScale<R extends Recipe> = R extends unknown ? Omit<R, "batchSize" | "epochs">
  : never;

/**
 * A pre-training experiment: one network, one recipe, one data set, three scales. `R` is the recipe
 * of its method.
 */
export interface PretrainConfig<R extends Recipe = Recipe> extends ScaledConfig<Scale> {
  /** The images to train on. */
  readonly data: DataConfig;
  /** The recipe without the fields that the scale sets. */
  readonly recipe: RecipeAnyScale<R>;
}

/** Everything that a run's numbers depend on, and so its id. */
export interface Key<C> {
  /** The experiment. */
  readonly config: C;
  /** Name of the scale whose sizes are taken. */
  readonly scale: ScaleName;
  /** Whole number that all random numbers of the run depend on. */
  readonly seed: number;
}

/** Everything that the numbers of a pre-training depend on. */
export type RunKey = Key<PretrainConfig>;
