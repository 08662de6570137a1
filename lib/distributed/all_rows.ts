/** The rows of a whole batch, for what compares the images of all processes. */
import * as tf from "lib/tf.ts";
import type { World } from "./world.ts";

/**
 * The rows of all processes in the order of the whole batch: all images of a view, then of the next.
 *
 * @param rows `[V·b, …]` of this process's b images in V views, borrowed
 * @param images b; all processes have as many.
 * @returns `[V·B, …]` of all B images; the caller owns it.
 */
export function gatherRows<T extends tf.Tensor>(rows: T, images: number, world: World): T {
  if (world.size === 1) return rows.clone();
  return tf.tidy(() => {
    const [count, ...shape] = rows.shape as [number, ...number[]];
    const ofView = images * shape.reduce((a, b) => a * b, 1);
    const byProcess = world.gather(rows).reshape([world.size, count / images, ofView]);
    return byProcess.transpose([1, 0, 2]).reshape<T>([world.size * count, ...shape]);
  });
}

/**
 * This process's rows among those of all: the inverse of {@linkcode gatherRows}.
 *
 * @param all `[V·B, …]`, borrowed
 * @param images b, as there.
 * @returns `[V·b, …]`; the caller owns it.
 */
export function ownRows<T extends tf.Tensor>(all: T, images: number, world: World): T {
  if (world.size === 1) return all.clone();
  return tf.tidy(() => {
    const [count, ...shape] = all.shape as [number, ...number[]];
    const ofImage = shape.reduce((a, b) => a * b, 1);
    const views = count / (images * world.size);
    const byView = all.reshape([views, world.size, images * ofImage]);
    const own = byView.slice([0, world.rank, 0], [views, 1, images * ofImage]);
    return own.reshape<T>([views * images, ...shape]);
  });
}

/**
 * {@linkcode gatherRows} with a gradient, for a loss that every process computes from all rows.
 *
 * The gradients of the weights are averaged over the processes, as those of losses of their own
 * images are. Here every process has the whole loss L, and its rows lead to a part of ∂L/∂w only; of
 * W processes, the average is the sum of these parts if each is W times as large. So the gradient of
 * its rows is W · ∂L/∂rows.
 */
export function allRows<T extends tf.Tensor>(rows: T, images: number, world: World): T {
  if (world.size === 1) return rows;
  const op = tf.customGrad((x) => ({
    value: gatherRows(x as tf.Tensor, images, world),
    gradFunc: (dy: tf.Tensor) => ownRows(dy, images, world).mul(world.size),
  }));
  return op(rows) as T;
}
