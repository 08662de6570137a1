/** Images of one object each, placed at random on the grey ground of the emoji. */
import { emojiBackground, emojiPlacement } from "lib/datasets/emoji/emoji.ts";
import { checkImageSet, type ImageSet } from "lib/datasets/pictures/images.ts";
import {
  drawPlacement,
  type PlacementRange,
  renderSprite,
  type Sprite,
} from "lib/datasets/pictures/place.ts";
import type { Rng } from "lib/rng.ts";

/** How large and how many the images of a laptop set are. */
export interface LaptopSetOptions {
  /** Pixels a side. */
  readonly size: number;
  /** Most images for training; smaller sets are used completely. */
  readonly trainCount: number;
  /** Most images for the test. */
  readonly testCount: number;
}

/** The two parts of a laptop set. No object of the test is in the training images. */
export interface LaptopParts {
  readonly train: ImageSet;
  readonly test: ImageSet;
}

/** An object to place. */
export interface PlacedObject {
  /** Its origin, unique in the set; its placement is drawn from a stream of this name. */
  readonly id: string;
  readonly label: number;
  readonly sprite: () => Sprite;
}

/** A set of placed objects. */
export interface PlacedSet {
  readonly name: string;
  /** Pixels a side. */
  readonly size: number;
  readonly classNames: readonly string[];
  /** By default that of the emoji. */
  readonly placement?: PlacementRange;
}

/** Places each object once. */
export function placeEach(
  objects: readonly PlacedObject[],
  { name, size, classNames, placement = emojiPlacement }: PlacedSet,
  rng: Rng,
): ImageSet {
  const area = size * size * 3;
  const pixels = new Uint8Array(objects.length * area);
  objects.forEach(({ id, sprite: make }, i) => {
    const sprite = make();
    const place = drawPlacement(rng.fork(id), sprite.box, size, placement);
    renderSprite(sprite, place, size, emojiBackground, pixels.subarray(i * area, (i + 1) * area));
  });
  return checkImageSet({
    ...{ name, height: size, width: size, pixels, classNames },
    labels: Int32Array.from(objects, ({ label }) => label),
    ids: objects.map(({ id }) => id),
  });
}
