/**
 * Chooses the identities that look least like each other by a rule, so that "a hundred kinds" are
 * not picked by hand.
 *
 * The rule considers the identities that every style draws, without flags (their designs agree by
 * law). It starts with the one farthest from the mean of all, and then always takes the one
 * farthest from its nearest among those taken (Gonzalez 1985). An identity is represented by the
 * mean of its drawings in colour, each cut to its box, 16 × 16 pixels over mid-grey, and distances
 * are Euclidean.
 */
import { colourStyles, emojiStyles } from "./catalogue.ts";
import type { EmojiRasters } from "./rasterize.ts";
import { makeSprite, renderSprite } from "lib/datasets/pictures/place.ts";

const side = 16; // pixels: enough for shape and colour, too few for a style's details

/**
 * Indices of identities, the most distinct first: the first n of them are the n most distinct ones.
 */
export function distinctIdentities(pack: EmojiRasters): number[] {
  const drawn = new Map<number, number[]>();
  pack.drawings.forEach(({ identity }, i) =>
    drawn.set(identity, [...drawn.get(identity) ?? [], i])
  );
  const candidates = [...drawn.keys()].filter((identity) =>
    drawn.get(identity)!.length === emojiStyles.length &&
    pack.identities[identity]!.group !== "flags"
  );
  const looks = candidates.map((identity) => meanLook(pack, drawn.get(identity)!));
  return farthestFirst(looks).map((i) => candidates[i]!);
}

/** `[16, 16, 3]`, the mean of the drawings in colour. */
function meanLook(pack: EmojiRasters, drawings: readonly number[]): Float64Array {
  const colour = drawings.filter((i) =>
    (colourStyles as readonly string[]).includes(pack.drawings[i]!.style)
  );
  const mean = new Float64Array(side * side * 3);
  const pixels = new Uint8Array(mean.length);
  for (const i of colour) {
    const sprite = makeSprite(pack.raster(i), pack.size);
    const { left, top, right, bottom } = sprite.box;
    const scale = side / Math.max(right - left, bottom - top);
    const centred = { scale, angle: 0, x: side / 2, y: side / 2 };
    renderSprite(sprite, centred, side, [128, 128, 128], pixels);
    for (let p = 0; p < mean.length; p++) mean[p]! += pixels[p]! / colour.length;
  }
  return mean;
}

/** The order of Gonzalez's farthest-first traversal; among equally far ones the first is taken. */
export function farthestFirst(points: readonly Float64Array[]): number[] {
  if (points.length === 0) return [];
  const mean = points[0]!.map((_, d) => points.reduce((sum, p) => sum + p[d]!, 0) / points.length);
  let nearest = points.map((point) => squaredDistance(point, mean));
  const order: number[] = [];
  while (order.length < points.length) {
    const next = nearest.indexOf(Math.max(...nearest));
    const toNext = points.map((point) => squaredDistance(point, points[next]!));
    nearest = order.length === 0 ? toNext : nearest.map((d, i) => Math.min(d, toNext[i]!));
    order.push(next);
    nearest[next] = -1; // below every distance, and `min` keeps it there: taken only once
  }
  return order;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d]! - b[d]!) ** 2;
  return sum;
}
