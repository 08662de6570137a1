/**
 * The config of a pre-training: plain data, so that it can be printed, compared, hashed and changed
 * in one place. `pretrain_schema.ts` says which values are allowed.
 */
import type { Recipe } from "lib/ssl/methods.ts";

/** Which images a run is trained on. The scale says how large and how many they are. */
export type DataConfig =
  | { readonly kind: "fashion-mnist"; readonly placed: boolean }
  | { readonly kind: "emoji"; readonly labels: "subgroup" | "identity" }
  /** A person's own pictures, in two folders with a subfolder for each class. */
  | {
    readonly kind: "folder";
    readonly train: string;
    readonly test: string;
    /**
     * Share of the pictures of a folder that may be damaged before it stops, 0 to 1. By default
     * 0.2. It is not part of a run's id.
     */
    readonly maxBadFraction?: number;
  }
  /** Without a folder, they are in `data/`: then a run has the same id on every machine. */
  | {
    readonly kind: "imagenet";
    readonly numClasses?: number;
    readonly folder?: string;
    /** The same share for ImageNet; by default 0.01. */
    readonly maxBadFraction?: number;
  }
  | { readonly kind: "cifar10"; readonly folder?: string }
  | { readonly kind: "cifar100"; readonly labels: "fine" | "coarse"; readonly folder?: string };

/**
 * The sizes of an experiment: all that differs between smoke, laptop and paper. A method never
 * does.
 */
export interface Scale {
  /** Pixels a side. */
  readonly imageSize: number;
  /**
   * At most so many images; a data set with fewer gives all it has. From ImageNet and emoji they
   * are taken evenly spread over the set, from folders evenly spread over each class.
   */
  readonly trainCount: number;
  /** At most so many test images, chosen as those for training are. */
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

/** What every experiment has, whatever it trains. `S` holds the sizes of a scale. */
export interface ScaledConfig<S> {
  /** Name of the experiment, and so the first part of its runs' ids. */
  readonly name: string;
  /** Sizes by the name of their scale. */
  readonly scales: Readonly<Record<ScaleName, S>>;
}

/** A recipe without what the scale decides; of a union of recipes, each without it. */
export type RecipeAnyScale<R extends Recipe> = R extends unknown ? Omit<R, "batchSize" | "epochs">
  : never;

/**
 * A pre-training experiment: one network, one recipe, one data set, three scales. `R` is the recipe
 * of its method.
 */
export interface PretrainConfig<R extends Recipe = Recipe> extends ScaledConfig<Scale> {
  /** The images to train on. */
  readonly data: DataConfig;
  /** The recipe without what the scale decides. */
  readonly recipe: RecipeAnyScale<R>;
}

/** What decides a run's numbers, and so its name on disk. */
export interface Key<C> {
  /** The experiment. */
  readonly config: C;
  /** Name of the scale whose sizes are taken. */
  readonly scale: ScaleName;
  /** Whole number from which all random numbers of the run are drawn. */
  readonly seed: number;
}

/** What decides the numbers of a pre-training. */
export type RunKey = Key<PretrainConfig>;
