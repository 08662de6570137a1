/** Chooses the emoji for the scenes, and splits their drawings into training and validation. */
import type { EmojiRasters } from "lib/datasets/emoji/rasterize.ts";
import { splitOf } from "lib/datasets/emoji/style_split.ts";
import { createRng } from "lib/rng.ts";

/**
 * Unicode's categories of things that can be an object in a scene: not faces, signs, weather or
 * places.
 */
const things = [
  ...["animal-mammal", "animal-bird", "animal-reptile", "animal-marine", "animal-bug"],
  ...["food-fruit", "food-vegetable", "food-prepared", "food-asian", "food-sweet", "drink"],
  ...["transport-ground", "transport-water", "transport-air", "sport", "clothing"],
  ...["dishware", "household", "tool", "musical-instrument", "plant-flower"],
];

export const numSceneClasses = 20;

export interface SceneDrawings {
  /** Indices of the emoji that are the classes. */
  readonly classes: readonly number[];
  /** Indices of drawings. No drawing is in both lists, and no emoji has the same style in both. */
  readonly train: readonly number[];
  readonly val: readonly number[];
}

/**
 * Chooses the classes and splits their drawings.
 *
 * The classes are the twenty emoji that look least alike. One style of each is for validation and
 * the others are for training, as in {@linkcode loadEmoji} with the same seed, so that pre-training
 * sees no validation picture. The held-out styles of {@linkcode loadEmoji}, and the styles in one
 * ink, are not used.
 *
 * @param distinct Indices of emoji, the most distinct first.
 */
export function sceneDrawings(
  pack: EmojiRasters & { readonly distinct: readonly number[] },
  seed: number,
): SceneDrawings {
  const classes = pack.distinct
    .filter((identity) => things.includes(pack.identities[identity]!.subgroup))
    .slice(0, numSceneClasses);
  const rng = createRng(seed).fork("emoji").fork("split");
  const splits = splitOf(pack.drawings, pack.identities, ["openmoji", "fxemoji"], rng);
  const of = (split: "train" | "test") =>
    pack.drawings.flatMap(({ identity }, i) =>
      splits[i] === split && classes.includes(identity) ? [i] : []
    );
  return { classes, train: of("train"), val: of("test") };
}
