/** The mean over processes of many tensors, in few calls: a call takes a millisecond by itself. */
import * as tf from "lib/tf.ts";
import type { Packing, World } from "./world.ts";

/**
 * Most numbers of fp32 in a call. With more, the memory no longer fits the processor's cache: a call
 * with four times as many takes ten times as long.
 */
const floatsInCall = 1 << 20;
/** Numbers in a row of a large tensor: so many that each row begins where TensorFlow's memory may. */
const rowLength = 1 << 10;

/** Tensors whose means are under way, in one vector or, of a large tensor, in several. */
interface Bucket {
  readonly names: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  readonly means: readonly tf.Tensor1D[];
}

/**
 * Means that are begun one after the other, go on while this process computes, and are taken
 * together. All processes must begin them in the same order, with tensors of the same shapes.
 */
export class Means {
  readonly #world: World;
  readonly #packing?: Packing;
  readonly #buckets: Bucket[] = [];
  /** Tensors that wait until they fill a call. */
  #open: (readonly [name: string, x: tf.Tensor])[] = [];
  readonly #numbersInCall: number;
  #room: number;

  /** @param packing How the tensors are packed for the way. By default, they go as they are. */
  constructor(world: World, packing?: Packing) {
    this.#world = world;
    this.#packing = packing;
    this.#numbersInCall = floatsInCall * (packing?.numbersInFloat ?? 1);
    this.#room = this.#numbersInCall;
  }

  /** @param x fp32; it is freed when its mean has begun. */
  begin(name: string, x: tf.Tensor): void {
    if (x.size > this.#room) this.#send();
    this.#open.push([name, tf.keep(x)]);
    this.#room -= x.size;
    if (this.#room <= 0) this.#send();
  }

  /** Waits for all means. @returns By name, in the order in which they began; the caller owns them. */
  take(): Map<string, tf.Tensor> {
    this.#send();
    this.#world.endMeans();
    const all = new Map<string, tf.Tensor>();
    const whole = this.#packing?.unpack ?? joined;
    for (const { names, shapes, means } of this.#buckets.splice(0)) {
      const tensors = tf.tidy(() => apart(whole(means) as tf.Tensor1D, shapes));
      tf.dispose([...means]);
      names.forEach((name, i) => all.set(name, tensors[i]!));
    }
    return all;
  }

  /** Begins the means of the tensors that wait, and frees them. */
  #send(): void {
    if (this.#open.length === 0) return;
    const [names, tensors] = [this.#open.map(([name]) => name), this.#open.map(([, x]) => x)];
    const means = tf.tidy(() => this.#begun(tensors).map((mean) => tf.keep(mean)));
    this.#buckets.push({ names, shapes: tensors.map(({ shape }) => shape), means });
    tf.dispose(tensors);
    [this.#open, this.#room] = [[], this.#numbersInCall];
  }

  #begun(tensors: readonly tf.Tensor[]): tf.Tensor1D[] {
    const [world, packing] = [this.#world, this.#packing];
    if (packing === undefined) return vectorsOf(tensors).map((x) => world.beginMean(x));
    const calls = tensors.length > 1
      ? [tensors]
      : piecesOf(tensors[0]!, this.#numbersInCall, world.size).map((x) => [x]);
    return calls.map((call) => {
      return world.beginMeanOf(packing.pack(call, world.size), packing) as tf.Tensor1D;
    });
  }
}

/**
 * The mean of each tensor over all processes, which must have tensors of the same shapes.
 *
 * @param tensors fp32, borrowed
 * @returns In the same order; the caller owns them.
 */
export function meanOfAll(tensors: readonly tf.Tensor[], world: World): tf.Tensor[] {
  return tf.tidy(() => {
    const means = vectorsOf(tensors).map((vector) => world.mean(vector));
    return apart(joined(means), tensors.map(({ shape }) => shape));
  });
}

/** Tensors as one vector, or as several if they have more numbers than a call takes. */
function vectorsOf(tensors: readonly tf.Tensor[]): tf.Tensor1D[] {
  return piecesOf(joined(tensors.map((x) => x.flatten())), floatsInCall, 1);
}

/**
 * A tensor as one vector, or as several if it has more numbers than one may have.
 *
 * @param most How many numbers a vector may have.
 * @param parts Into how many parts all vectors but the last must be divisible, so that nothing is
 *   filled up between them.
 */
function piecesOf(x: tf.Tensor, most: number, parts: number): tf.Tensor1D[] {
  if (x.size <= most) return [x.flatten()];
  // TensorFlow splits a matrix between rows without copying it.
  const length = x.size % rowLength === 0 ? rowLength : 1;
  const unit = parts * rowLength / length; // rows
  const rowsInCall = Math.floor(most / length / unit) * unit;
  return rowsApart(x.reshape([x.size / length, length]), rowsInCall).map((part) => part.flatten());
}

/** A matrix as matrices of so many rows; the last may have fewer. */
function rowsApart(x: tf.Tensor2D, rows: number): tf.Tensor2D[] {
  const [all] = x.shape;
  const sizes = Array.from(
    { length: Math.ceil(all / rows) },
    (_, i) => Math.min(rows, all - i * rows),
  );
  return tf.split(x, sizes);
}

/** Numbers in a row of TensorFlow's memory: between such rows it splits without copying. */
const alignment = 16;

/** A vector as tensors of these shapes. It may have more numbers, which are left out. */
function apart(vector: tf.Tensor1D, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  const sizes = shapes.map((shape) => shape.reduce((a, b) => a * b, 1));
  const left = vector.size - sizes.reduce((a, b) => a + b, 0);
  const all = left > 0 ? [...sizes, left] : sizes;
  return partsOf(vector, all).slice(0, sizes.length).map((part, i) =>
    part.reshape([...shapes[i]!])
  );
}

function partsOf(vector: tf.Tensor1D, sizes: readonly number[]): tf.Tensor[] {
  if (sizes.length === 1) return [vector];
  const length = sizes.every((size) => size % alignment === 0) ? alignment : 1;
  return tf.split(vector.reshape([-1, length]), sizes.map((size) => size / length));
}

function joined(parts: readonly tf.Tensor1D[]): tf.Tensor1D {
  return parts.length === 1 ? parts[0]! : tf.concat1d([...parts]);
}
