/**
 * Weights and images by formula, so that golden files hold results only.
 * `lib/models/golden/formula.py` makes the same ones.
 */
import * as tf from "lib/tf.ts";
import { fromTorchOrder, layoutOf, torchShape } from "lib/nn/layout.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import type { CropBatch } from "lib/ssl/views/batch.ts";

/**
 * The values `offset + scale · u`, for `count` pseudo-random numbers u in [−1, 1): Murmur3's
 * finaliser of a counter and the FNV-1a hash of the name.
 */
export function formula(name: string, count: number, offset = 0, scale = 1): Float32Array {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let x = Math.imul(i, 0x9e3779b1) + seed;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    values[i] = offset + scale * (((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1);
  }
  return values;
}

/**
 * Names of the weights of the last norm of a residual branch. Their values are small: with 1,
 * sixteen blocks with batch statistics would make a rounding error 200 times as large.
 */
const branchEnd = /\.(bn3|pw2\.bn)\.weight$/;

/** The `offset` and `scale` of a weight, by its kind. */
function range(name: string, shape: readonly number[]): { offset: number; scale: number } {
  const leaf = name.split(".").at(-1)!;
  if (leaf === "running_var") return { offset: 1, scale: 0.5 };
  if (leaf === "gamma") return { offset: 0.3, scale: 0.1 };
  if (branchEnd.test(name)) return { offset: 0.1, scale: 0.03 };
  if (["pos_embed", "cls_token", "relative_position_bias_table"].includes(leaf)) {
    return { offset: 0, scale: 0.5 };
  }
  if (shape.length >= 2) {
    return { offset: 0, scale: Math.sqrt(3 / shape.slice(1).reduce((n, side) => n * side, 1)) };
  }
  return leaf === "weight" ? { offset: 1, scale: 0.3 } : { offset: 0, scale: 0.2 };
}

/** Sets every variable of a tree, and every buffer, to the values of its name in Python. */
export function fillByFormula(params: object): void {
  for (const [name, variable] of namedVariables(params)) {
    const shape = torchShape(variable);
    const { offset, scale } = range(name, shape);
    const values = formula(name, variable.size, offset, scale);
    tf.tidy(() => variable.assign(fromTorchOrder(tf.tensor(values, shape), layoutOf(variable))));
  }
}

/** `[B, H, W, 3]` */
export function formulaImage([batch, height, width]: readonly [number, number, number]) {
  return tf.tensor4d(formula("image", batch * height * width * 3), [batch, height, width, 3]);
}

/** How many crops, and how large. */
export interface FormulaCrops {
  /** Prefix of the names from which the formula makes the images. */
  readonly images: string;
  /** Number of images. */
  readonly batch: number;
  /** Pixels a side of the global and of the local crops. */
  readonly global: number;
  readonly local: number;
  /** Number of local crops of an image. */
  readonly locals: number;
}

/**
 * The crops of a step, as `crops_of` in `lib/ssl/dino/golden/parity.py` makes them; all crops of an image have one colour in common.
 *
 * @param colours The colour of each image, `[batch, 3]`. By default each step has its own.
 */
export function formulaCrops(
  { images, batch, global, local, locals }: FormulaCrops,
  step: number,
  colours: Float32Array = formula(`${images} colour ${step}`, batch * 3),
): CropBatch {
  const crops = (kind: string, size: number, count: number) => {
    const noise = formula(`${images} ${kind} ${step}`, count * batch * size * size * 3);
    return noise.map((value, i) => {
      const image = Math.floor(i / (size * size * 3)) % batch;
      return colours[image * 3 + i % 3]! + 0.5 * value;
    });
  };
  return {
    images: batch,
    global: crops("global", global, 2),
    local: crops("local", local, locals),
  };
}
