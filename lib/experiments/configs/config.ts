/** What an experiment is: plain data, so that it can be printed, compared, hashed and changed in one place. */
import { createHash } from "node:crypto";
import type { DinoRecipe } from "lib/ssl/dino/recipe.ts";

/** Which images. Sizes are the scale's business. */
export type DataConfig =
  | { readonly kind: "fashion-mnist"; readonly placed: boolean }
  | { readonly kind: "emoji"; readonly labels: "subgroup" | "identity" }
  /** A person's own pictures, in two folders with a subfolder for each class. */
  | {
    readonly kind: "folder";
    readonly train: string;
    readonly test: string;
    /** Share of the pictures of a folder that may be damaged before it stops, 0 to 1. By default 0.2. Not part of a run's id. */
    readonly maxBadFraction?: number;
  }
  /** Without a folder, they are in `data/`: then a run has the same id on every machine. */
  | {
    readonly kind: "imagenet";
    readonly numClasses?: number;
    readonly folder?: string;
    /** As of a folder; by default 0.01. */
    readonly maxBadFraction?: number;
  }
  | { readonly kind: "cifar10"; readonly folder?: string }
  | { readonly kind: "cifar100"; readonly labels: "fine" | "coarse"; readonly folder?: string };

/** How much of it: the only thing that differs between smoke, laptop and paper. Never a method. */
export interface Scale {
  /** Pixels a side. */
  readonly imageSize: number;
  /**
   * At most so many images; a data set with fewer gives all it has. From ImageNet and emoji they are taken evenly spread over the set,
   * from folders evenly spread over each class.
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

/** A pre-training experiment: one network, one recipe, one data set, three scales. */
export interface PretrainConfig {
  readonly name: string;
  readonly data: DataConfig;
  /** The recipe without what the scale decides. */
  readonly recipe: Omit<DinoRecipe, "batchSize" | "epochs">;
  readonly scales: Readonly<Record<ScaleName, Scale>>;
}

/** Nested partial: an override names only what differs. Arrays are replaced whole. */
export type Override<T> = T extends readonly unknown[] ? T
  : T extends object ? { readonly [K in keyof T]?: Override<T[K]> }
  : T;

/**
 * `base` with some values replaced.
 *
 * @throws {TypeError} If a key is not in `base`; the message gives the keys that are.
 */
export function override<T extends object>(base: T, changes: Override<T>, path = ""): T {
  const result = { ...base } as Record<string, unknown>;
  for (const [key, value] of Object.entries(changes)) {
    if (!(key in base)) {
      throw new TypeError(
        `Unknown option "${path}${key}": use one of ${Object.keys(base).join(", ")}`,
      );
    }
    const old = result[key];
    const nested = isRecord(old) && isRecord(value);
    result[key] = nested ? override(old, value, `${path}${key}.`) : value;
  }
  return result as T;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The scale to run at: `BCSSL_SCALE` where it is set (headless runs and CI set it), else `preferred`.
 *
 * @throws {RangeError} If the name is not a scale's.
 */
export function chosenScale(preferred: ScaleName): ScaleName {
  const name = Deno.env.get("BCSSL_SCALE") || preferred;
  const found = scaleNames.find((known) => known === name);
  if (found === undefined) {
    throw new RangeError(`Unknown scale "${name}": use ${scaleNames.join(", ")}`);
  }
  return found;
}

/**
 * The sizes of an experiment at a scale.
 *
 * @throws {RangeError} If the name is not a scale's: a cell's types are not checked.
 */
export function sizesAt({ name, scales }: PretrainConfig, scale: ScaleName): Scale {
  if (scaleNames.includes(scale)) return scales[scale];
  throw new RangeError(`Cannot run "${name}" at scale "${scale}": use ${scaleNames.join(", ")}`);
}

/** The recipe at a scale, whole. @throws {RangeError} As {@linkcode sizesAt}. */
export function recipeAt(config: PretrainConfig, scale: ScaleName): DinoRecipe {
  const { imageSize, batchSize, epochs } = sizesAt(config, scale);
  const { recipe, recipe: { crops } } = config;
  const localSize = Math.round(crops.localSize / crops.globalSize * imageSize);
  return {
    ...recipe,
    crops: { ...crops, globalSize: imageSize, localSize },
    batchSize,
    epochs,
  };
}

/** What decides a run's numbers, and so its name on disk. */
export interface RunKey {
  readonly config: PretrainConfig;
  readonly scale: ScaleName;
  readonly seed: number;
}

/** The name of a run: the same numbers, the same id. */
export function runId({ config, scale, seed }: RunKey): string {
  const { name, data, recipe } = config;
  return hashedName(name, {
    data: decidingData(data),
    recipe,
    scale: sizesAt(config, scale),
    seed,
  });
}

/** What decides which images there are: a limit of damaged pictures only decides when a run stops, and may be raised on the way. */
export function decidingData(data: DataConfig): DataConfig {
  if (!("maxBadFraction" in data)) return data;
  const { maxBadFraction: _, ...decides } = data;
  return decides;
}

/** `<name>-<8 hex digits of a hash>`. @param decides Plain data; the order of its keys does not matter. */
export function hashedName(name: string, decides: object): string {
  return `${name}-${createHash("sha256").update(canonical(decides)).digest("hex").slice(0, 8)}`;
}

/** JSON with sorted keys: the order in which a config was written does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) =>
      isRecord(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}
