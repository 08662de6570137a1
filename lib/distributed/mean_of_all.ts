/** The mean over processes of many tensors, in few calls: a call takes a millisecond by itself. */
import * as tf from "lib/tf.ts";
import type { World } from "./world.ts";

/**
 * Most numbers in a call. With more, the memory no longer fits the processor's cache: a call with
 * four times as many takes ten times as long.
 */
const numbersInCall = 1 << 20;
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
  readonly #buckets: Bucket[] = [];
  /** Tensors that wait until they fill a call. */
  #open: (readonly [name: string, x: tf.Tensor])[] = [];
  #room = numbersInCall;

  constructor(world: World) {
    this.#world = world;
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
    for (const { names, shapes, means } of this.#buckets.splice(0)) {
      const tensors = tf.tidy(() => apart(joined(means), shapes));
      tf.dispose([...means]);
      names.forEach((name, i) => all.set(name, tensors[i]!));
    }
    return all;
  }

  /** Begins the means of the tensors that wait, and frees them. */
  #send(): void {
    if (this.#open.length === 0) return;
    const [names, tensors] = [this.#open.map(([name]) => name), this.#open.map(([, x]) => x)];
    const means = tf.tidy(() =>
      vectorsOf(tensors).map((vector) => tf.keep(this.#world.beginMean(vector)))
    );
    this.#buckets.push({ names, shapes: tensors.map(({ shape }) => shape), means });
    tf.dispose(tensors);
    [this.#open, this.#room] = [[], numbersInCall];
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
  const flat = joined(tensors.map((x) => x.flatten()));
  if (flat.size <= numbersInCall) return [flat];
  // TensorFlow splits a matrix between rows without copying it.
  const length = flat.size % rowLength === 0 ? rowLength : 1;
  const [rows, rowsInCall] = [flat.size / length, numbersInCall / length];
  const sizes = Array.from(
    { length: Math.ceil(rows / rowsInCall) },
    (_, i) => Math.min(rowsInCall, rows - i * rowsInCall),
  );
  return tf.split(flat.reshape([rows, length]), sizes).map((part) => part.flatten());
}

/** A vector as tensors of these shapes. */
function apart(vector: tf.Tensor1D, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  const sizes = shapes.map((shape) => shape.reduce((a, b) => a * b, 1));
  const parts = sizes.length === 1 ? [vector] : tf.split(vector, sizes);
  return parts.map((part, i) => part.reshape([...shapes[i]!]));
}

function joined(parts: readonly tf.Tensor1D[]): tf.Tensor1D {
  return parts.length === 1 ? parts[0]! : tf.concat1d([...parts]);
}
