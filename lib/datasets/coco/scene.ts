/**
 * Draws a scene: emoji laid over each other on a texture, with a mask of the visible part of each.
 * H × W pixels.
 */
import { drawTexture } from "lib/datasets/pictures/texture.ts";
import { renderSprite, type Sprite } from "lib/datasets/pictures/place.ts";
import type { Rng } from "lib/rng.ts";

const extent = [0.18, 0.7] as const; // object's longer side as a fraction of the scene's shorter
const rotation = 25; // degrees to either side
const mostObjects = 6;
const emptyShare = 0.05; // share of scenes without an object, where a detector must find nothing
const tries = 12; // places that are tried for an object before it is left out

/**
 * Every object shows at least this share and this number of its pixels: inside the scene and
 * not hidden.
 */
export const leastVisible: Visibility = { share: 0.4, pixels: 48 };

/** How much of an object must be seen. */
export interface Visibility {
  /** Fraction of its pixels. */
  readonly share: number;
  readonly pixels: number;
}

/** An emoji to put into scenes, with its label. */
export interface SceneSprite {
  readonly label: number;
  readonly sprite: Sprite;
}

export interface SceneObject {
  readonly label: number;
  /** `[H, W]`: 1 where the object is on top and covers at least half of the pixel, else 0. */
  readonly mask: Uint8Array;
  /** Pixels that the mask would have if nothing hid the object and the scene had no edges. */
  readonly wholeArea: number;
}

export interface Scene {
  /** `[H, W, 3]`, RGB. */
  readonly pixels: Uint8Array;
  /** The objects, from the lowest to the topmost. */
  readonly objects: readonly SceneObject[];
}

/** Draws a scene; `rng` is a stream for this scene alone. */
export function drawScene(
  rng: Rng,
  sprites: readonly SceneSprite[],
  height: number,
  width: number,
): Scene {
  const canvas = new Canvas(height, width, drawTexture(rng.fork("texture"), height, width));
  const count = rng.bernoulli(emptyShare) ? 0 : 1 + rng.int(mostObjects);
  for (let i = 0; i < count; i++) {
    const { label, sprite } = sprites[rng.int(sprites.length)]!;
    for (let left = tries; left > 0; left--) {
      if (canvas.add(label, drawTile(rng, sprite, height, width, extent))) break;
    }
  }
  return { pixels: canvas.pixels, objects: canvas.objects() };
}

/** An object, drawn on a small square picture of its own. */
export interface Tile {
  /** Pixels. */
  readonly side: number;
  /** Place of its corner in the scene, which may be outside. */
  readonly left: number;
  readonly top: number;
  /** `[side, side, 3]`, RGB multiplied by alpha. */
  readonly pixels: Uint8Array;
  /** `[side, side]` */
  readonly alpha: Uint8Array;
}

/**
 * Draws an object with a random size and angle, and its centre anywhere in the scene. The size is
 * log-uniform.
 *
 * @param extent The object's longer side as a fraction of the scene's shorter one.
 */
export function drawTile(
  rng: Rng,
  sprite: Sprite,
  height: number,
  width: number,
  extent: readonly [min: number, max: number],
): Tile {
  const [boxWidth, boxHeight] = [
    sprite.box.right - sprite.box.left,
    sprite.box.bottom - sprite.box.top,
  ];
  const size = Math.exp(rng.uniform(Math.log(extent[0]), Math.log(extent[1])));
  const scale = size * Math.min(height, width) / Math.max(boxWidth, boxHeight);
  const angle = rng.uniform(-rotation, rotation) * Math.PI / 180;
  const side = Math.ceil(Math.hypot(boxWidth, boxHeight) * scale) + 4;
  const [x, y] = [rng.uniform(0, width) - side / 2, rng.uniform(0, height) - side / 2];
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const placement = { scale, angle, x: side / 2 + x - left, y: side / 2 + y - top };
  const pixels = new Uint8Array(side * side * 3);
  const alpha = new Uint8Array(side * side);
  // over black, so that colours are multiplied by alpha
  renderSprite(sprite, placement, side, [0, 0, 0], pixels, alpha);
  return { side, left, top, pixels, alpha };
}

/** The scene so far: its pixels, and the object that each pixel shows. */
export class Canvas {
  readonly pixels: Uint8Array;
  readonly #least: Visibility;
  readonly #height: number;
  readonly #width: number;
  readonly #owner: Int8Array; // [H, W], −1 is background
  readonly #labels: number[] = [];
  readonly #areas: number[] = []; // pixels of each object, including hidden ones
  #visible: number[] = [];

  constructor(
    height: number,
    width: number,
    background: Uint8Array,
    least: Visibility = leastVisible,
  ) {
    this.pixels = background;
    this.#least = least;
    this.#height = height;
    this.#width = width;
    this.#owner = new Int8Array(height * width).fill(-1);
  }

  /** Lays an object on top, unless too little of it, or of one below, would be visible. */
  add(label: number, tile: Tile): boolean {
    const next = this.#labels.length;
    const ownArea = tile.alpha.reduce((sum, alpha) => sum + Number(alpha >= 128), 0);
    const visible = [...this.#visible, 0];
    this.#eachPixel(tile, (p, i) => {
      if (tile.alpha[i]! < 128) return;
      visible[next]!++;
      if (this.#owner[p]! >= 0) visible[this.#owner[p]!]!--;
    });
    const enough = [...this.#areas, ownArea].every((area, object) =>
      visible[object]! >= Math.max(this.#least.pixels, this.#least.share * area)
    );
    if (!enough) return false;
    this.#visible = visible;
    this.#areas.push(ownArea);
    this.#labels.push(label);
    this.#eachPixel(tile, (p, i) => this.#paint(p, tile, i, next));
    return true;
  }

  objects(): SceneObject[] {
    return this.#labels.map((label, object) => ({
      label,
      mask: Uint8Array.from(this.#owner, (owner) => owner === object ? 1 : 0),
      wholeArea: this.#areas[object]!,
    }));
  }

  #paint(p: number, { pixels, alpha }: Tile, i: number, object: number): void {
    const rest = 1 - alpha[i]! / 255;
    for (let c = 0; c < 3; c++) {
      const at = p * 3 + c;
      this.pixels[at] = Math.min(pixels[i * 3 + c]! + rest * this.pixels[at]! + 0.5, 255);
    }
    if (alpha[i]! >= 128) this.#owner[p] = object;
  }

  /**
   * Calls back for each pixel of a tile inside the scene, with its index in the scene and in the
   * tile.
   */
  #eachPixel({ side, left, top }: Tile, visit: (p: number, i: number) => void): void {
    for (let y = Math.max(0, -top); y < Math.min(side, this.#height - top); y++) {
      for (let x = Math.max(0, -left); x < Math.min(side, this.#width - left); x++) {
        visit((y + top) * this.#width + x + left, y * side + x);
      }
    }
  }
}
