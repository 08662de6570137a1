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
  readonly testCount: number;
  readonly batchSize: number;
  readonly epochs: number;
  /** Steps between two points of the k-NN monitor. */
  readonly monitorEvery: number;
}

export const scaleNames = ["smoke", "laptop", "paper"] as const;
export type ScaleName = typeof scaleNames[number];

/** What every experiment has, whatever it trains. `S` holds the sizes of a scale. */
export interface ScaledConfig<S> {
  readonly name: string;
  readonly scales: Readonly<Record<ScaleName, S>>;
}

/** A recipe without what the scale decides; of a union of recipes, each without it. */
export type RecipeAnyScale<R extends Recipe> = R extends unknown ? Omit<R, "batchSize" | "epochs">
  : never;

/** A pre-training experiment: one network, one recipe, one data set, three scales. `R` is the recipe of its method. */
export interface PretrainConfig<R extends Recipe = Recipe> extends ScaledConfig<Scale> {
  readonly data: DataConfig;
  readonly recipe: RecipeAnyScale<R>;
}

/** What decides a run's numbers, and so its name on disk. */
export interface Key<C> {
  readonly config: C;
  readonly scale: ScaleName;
  readonly seed: number;
}

/** What decides the numbers of a pre-training. */
export type RunKey = Key<PretrainConfig>;
