/** The recipe, as data, by which a method makes several views of every image. */
import type { ChannelStats, JitterStrength } from "lib/augment/mod.ts";

/** How views are made. Scales are shares of the image's area; probabilities are fractions. */
export interface CropRecipe {
  /** Pixels a side. */
  readonly globalSize: number;
  /** Smallest and largest area of a global crop. */
  readonly globalScale: readonly [number, number];
  /** Local crops of an image; 0 is allowed. */
  readonly localCrops: number;
  /** Pixels a side. */
  readonly localSize: number;
  /** Smallest and largest area of a local crop. */
  readonly localScale: readonly [number, number];
  /** Probability of mirroring a crop. */
  readonly flip: number;
  /** Strength and probability of changes of colour. */
  readonly jitter: JitterStrength & { readonly probability: number };
  /** Probability of turning a crop grey. */
  readonly grayscale: number;
  /** Probability of a Gaussian blur in the first global, the second global and every local crop. */
  readonly blur: readonly [number, number, number];
  /** Range of the blur's standard deviation in pixels of the crop; it is drawn uniformly. */
  readonly blurRadius: readonly [number, number];
  /** Probability of solarising the second global crop; the others never are. */
  readonly solarize: number;
  /** Mean and standard deviation by which pixels are normalised in the end. */
  readonly stats: ChannelStats;
}

/** @throws {RangeError} If a size, scale or probability of the recipe makes no sense. */
export function checkRecipe(recipe: CropRecipe): void {
  const demand = (valid: boolean, what: string, value: unknown) => {
    if (!valid) throw new RangeError(`Cannot make crops: need ${what}, current value is ${value}`);
  };
  for (const name of ["globalSize", "localSize", "localCrops"] as const) {
    const least = name === "localCrops" ? 0 : 1;
    const valid = Number.isInteger(recipe[name]) && recipe[name] >= least;
    demand(valid, `an integer ${name} of at least ${least}`, recipe[name]);
  }
  for (const name of ["globalScale", "localScale"] as const) {
    const [low, high] = recipe[name];
    demand(low > 0 && low <= high && high <= 1, `0 < low <= high <= 1 in ${name}`, recipe[name]);
  }
  const { jitter, blur, flip, grayscale, solarize } = recipe;
  for (const p of [jitter.probability, ...blur, flip, grayscale, solarize]) {
    demand(p >= 0 && p <= 1, "probabilities between 0 and 1", p);
  }
  demand(jitter.hue >= 0 && jitter.hue <= 0.5, "a hue jitter between 0 and 0.5", jitter.hue);
  const [least, most] = recipe.blurRadius;
  demand(least >= 0 && least <= most, "0 <= low <= high in blurRadius", recipe.blurRadius);
}
