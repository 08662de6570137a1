/**
 * Loss and gradients of a batch, for any method. A batch can be split into micro-batches (gradient
 * accumulation), so that it needs the memory of one of them.
 */
import * as tf from "lib/tf.ts";
import { gatherRows } from "lib/distributed/all_rows.ts";
import { meanOfAll, Means } from "lib/distributed/mean_of_all.ts";
import { rowsOf } from "lib/distributed/share.ts";
import { alone } from "lib/distributed/world.ts";
import { bf16Packing } from "lib/train/bf16.ts";
import { type LossAndGradients, lossAndGradients, tellGradients } from "lib/train/gradients.ts";
import { combined, scalarReading } from "lib/train/reading.ts";
import { imagesIn, microBatches, type Views, viewsOf } from "lib/ssl/views/views.ts";
import type { BatchResult, Method, Moment, NamedTensors, NoteRows } from "./method.ts";

/** A batch with its gradients; the caller owns all tensors. */
export interface BatchGradients extends BatchResult {
  /** Gradients of the mean loss, by the names of the weights; frozen weights have none. */
  readonly grads: NamedTensors;
}

/**
 * Runs a method on a batch. It changes only the running statistics of BatchNorm.
 *
 * With several micro-batches, loss, gradients and means are those of the whole batch: each
 * micro-batch is weighted by its number of images. Two things differ from a single pass. BatchNorm
 * normalises by the statistics of a micro-batch and updates its running statistics once for each
 * (the reference's SyncBatchNorm sees the whole batch). Stochastic depth has another random stream
 * in each.
 *
 * If several processes share the batch, `views` are this process's part, and the result is that of
 * the whole batch.
 *
 * @param accumulate Number of micro-batches.
 * @throws {RangeError} If there are more micro-batches than images.
 */
export function batchGradients(
  method: Method,
  views: Views,
  accumulate: number,
  now: Moment,
): BatchGradients {
  const { world = alone } = now;
  const images = imagesIn(views);
  const parts = microBatches(images, accumulate);
  const packing = now.gradients === "bf16" ? bf16Packing() : undefined;
  const means = world.size === 1 ? undefined : new Means(world, packing);
  // With several micro-batches a gradient is complete only after the last.
  const begun = parts.length === 1 ? means : undefined;
  let sum: BatchGradients | undefined;
  for (const [i, part] of parts.entries()) {
    const rng = parts.length === 1 ? now.rng : now.rng.fork(`part ${i}`);
    const before = sum;
    sum = tidied(() => {
      const one = partGradients(method, viewsOf(views, part), { ...now, rng }, begun);
      const share = scaled(one, part.count / images);
      return before === undefined ? share : added(before, share);
    });
    if (before) tf.dispose([before.grads, before.means, before.rows].flatMap(Object.values));
  }
  if (means === undefined) return sum!;
  if (begun === undefined) {
    Object.entries(sum!.grads).forEach(([name, own]) => means.begin(name, own));
  }
  return { ...sum!, grads: inOrder(means.take(), method.weights) };
}

/** Gradients in the order of the weights, in which one process has them. */
function inOrder(
  grads: ReadonlyMap<string, tf.Tensor>,
  weights: Method["weights"],
): NamedTensors {
  const names = [...weights.keys()].filter((name) => grads.has(name));
  return Object.fromEntries(names.map((name) => [name, grads.get(name)!]));
}

/**
 * One micro-batch: loss, means and rows are of all processes, the gradients of this process's
 * images.
 *
 * @param begun If the means of the gradients begin here; the result then has no gradients.
 */
function partGradients(
  method: Method,
  views: Views,
  now: Moment,
  begun: Means | undefined,
): BatchGradients {
  const { world = alone } = now;
  if (world.size === 1) return gradientsOf(method, views, now);
  const images = imagesIn(views);
  const own = gradientsOf(method, views, { ...now, rng: rowsOf(now.rng, images, world) }, begun);
  const numbers = [...own.loss.tensors, ...Object.values(own.means)];
  const means = meanOfAll(numbers, world);
  const tensors = means.splice(0, own.loss.tensors.length);
  return {
    loss: { ...own.loss, tensors },
    means: Object.fromEntries(Object.keys(own.means).map((name, i) => [name, means[i]!])),
    rows: mapped(own.rows, (x) => gatherRows(x, images, world)),
    grads: own.grads,
  };
}

/** Frees all tensors except those of the result. */
function tidied(compute: () => BatchGradients): BatchGradients {
  return tf.tidy(() => compute() as unknown as tf.TensorContainer) as unknown as BatchGradients;
}

/** Loss and gradients of one micro-batch. @param begun As in {@linkcode partGradients}. */
function gradientsOf(
  method: Method,
  views: Views,
  now: Moment,
  begun?: Means,
): BatchGradients {
  const { loss: run, means = {}, rows = {} } = method.pass(views, now);
  const { weights, isFrozen } = method;
  const trained = [...weights].filter(([name]) => !isFrozen?.(name, now));
  const noted = new Map<string, tf.Tensor>();
  // Clones have the same memory, and are not freed with the tape.
  const note: NoteRows = (name, x) => void noted.set(name, tf.keep(x.clone()));
  try {
    const { value, grads } = gradientsWith(() => run(note), new Map(trained), begun);
    return {
      loss: scalarReading(value),
      grads: Object.fromEntries(grads),
      means,
      rows: { ...rows, ...mapped(Object.fromEntries(noted), (x) => x.clone()) },
    };
  } finally {
    tf.dispose([...noted.values()]);
  }
}

/** `lossAndGradients`, or with `begun` the same without gradients, whose means begin on the way. */
function gradientsWith(
  loss: () => tf.Scalar,
  weights: ReadonlyMap<string, tf.Variable>,
  begun: Means | undefined,
): LossAndGradients {
  if (begun === undefined) return lossAndGradients(loss, weights);
  const value = tellGradients(loss, weights, (name, grad) => begun.begin(name, grad));
  return { value, grads: new Map() };
}

function scaled({ loss, grads, means, rows }: BatchGradients, share: number): BatchGradients {
  const scale = (x: tf.Tensor) => share === 1 ? x : x.mul(share);
  return {
    loss: combined([loss], (one) => share * one),
    grads: mapped(grads, scale),
    means: mapped(means, scale),
    rows,
  };
}

function added(a: BatchGradients, b: BatchGradients): BatchGradients {
  return {
    loss: combined([a.loss, b.loss], (a, b) => a + b),
    grads: mapped(a.grads, (x, name) => x.add(b.grads[name]!)),
    means: mapped(a.means, (x, name) => x.add(b.means[name]!)),
    rows: mapped(a.rows, (x, name) => tf.concat([x, b.rows[name]!])),
  };
}

function mapped(tensors: NamedTensors, f: (x: tf.Tensor, name: string) => tf.Tensor): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, f(x, name)]));
}
