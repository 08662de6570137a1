/**
 * Numbers of a training step that are computed on the device, and when they are read.
 *
 * On the CPU a read costs nothing, so every step reads its numbers at once. A GPU works on a queue:
 * a read waits until the queue is empty, and WebGPU has no synchronous one at all. There a step
 * only adds work to the queue, and the numbers of several steps are read together.
 */
import * as tf from "lib/tf.ts";

/** A number that is known as soon as the values of some tensors are read. */
export interface Reading {
  /** The tensors to read, as few and small as possible. */
  readonly tensors: readonly tf.Tensor[];
  /** @param values The values of the tensors, in their order. */
  value(values: readonly Values[]): number;
}

type Values = ArrayLike<number>;

let deferred: boolean | undefined;

/** Whether a step reads its numbers at once: true on a CPU, false on a GPU. */
export function readsAtOnce(): boolean {
  if (deferred !== undefined) return !deferred;
  const { backend, device } = tf.engine();
  return backend === "tensorflow" && device !== "GPU";
}

/** Runs `body` as on a GPU, where steps do not read: for tests on a CPU. */
export async function withDeferredReads<T>(body: () => Promise<T> | T): Promise<T> {
  const before = deferred;
  deferred = true;
  try {
    return await body();
  } finally {
    deferred = before;
  }
}

/** The only element of a tensor. */
export function scalarReading(scalar: tf.Tensor): Reading {
  return { tensors: [scalar], value: ([values]) => values![0]! };
}

/** A number that is computed from other numbers. */
export function combined(
  readings: readonly Reading[],
  f: (...numbers: number[]) => number,
): Reading {
  return {
    tensors: readings.flatMap(({ tensors }) => tensors),
    value(values) {
      let from = 0;
      return f(...readings.map(({ tensors, value }) => {
        const own = values.slice(from, from + tensors.length);
        from += tensors.length;
        return value(own);
      }));
    },
  };
}

/** Reads numbers at once, which only a CPU can; each tensor is read once. */
export function readNow<Name extends string>(
  readings: Readonly<Record<Name, Reading>>,
): Record<Name, number> {
  const known = new Map<tf.Tensor, Values>();
  const read = (tensor: tf.Tensor) => {
    const values = known.get(tensor) ?? tensor.dataSync();
    known.set(tensor, values);
    return values;
  };
  return mapped(readings, ({ tensors, value }) => value(tensors.map(read)));
}

/** Reads one number at once. */
export function numberOf(reading: Reading): number {
  return readNow({ reading }).reading;
}

/** Numbers that are computed and not read yet. */
export interface Pending<Numbers> {
  /** All values in one vector, so that there is one thing to read; the receiver disposes of it. */
  readonly values: tf.Tensor1D;
  /**
   * Makes the numbers of the values that were read.
   *
   * @throws What the step would have thrown if it had read them.
   */
  finish(values: Float32Array): Numbers | Promise<Numbers>;
}

export function isPending<T>(numbers: T | Pending<T>): numbers is Pending<T> {
  const { values } = numbers as Partial<Pending<T>>;
  return values instanceof tf.Tensor;
}

/**
 * Collects numbers to be read later. Their tensors can be disposed of afterwards: the values are
 * copied, on the device.
 */
export function later<Name extends string>(
  readings: Readonly<Record<Name, Reading>>,
): Pending<Record<Name, number>> {
  const all = Object.values<Reading>(readings).flatMap(({ tensors }) => tensors);
  const tensors = [...new Set(all)];
  let end = 0;
  const places = new Map(tensors.map((tensor) => [tensor, [end, end += tensor.size] as const]));
  const values = tf.tidy(() =>
    tf.keep(tf.concat1d(tensors.map((tensor) => tensor.flatten().toFloat() as tf.Tensor1D)))
  );
  return {
    values,
    finish: (read) =>
      mapped(
        readings,
        ({ tensors, value }) =>
          value(tensors.map((tensor) => read.subarray(...places.get(tensor)!))),
      ),
  };
}

/** Changes the numbers once they are there. */
export function pendingMap<A, B>(pending: Pending<A>, f: (numbers: A) => B): Pending<B> {
  return { values: pending.values, finish: async (values) => f(await pending.finish(values)) };
}

/** A step that was taken: its numbers, or what they will be made of. */
export interface Taken<T> {
  readonly numbers: T | Pending<T>;
  /** Whether numbers that are not read yet are to be read now, with those of the steps before. */
  readonly isDue: boolean;
}

/** Most steps whose numbers are read together. */
const stepsPerRead = 10;

/**
 * Yields the numbers of steps in order. Where they are not read yet, it takes up to ten steps before
 * it yields the first, and reads the numbers of all in one read.
 *
 * @param steps The last one must be due.
 * @throws What `finish` throws for a step; the numbers of the steps before it come first.
 */
export async function* readTogether<T>(steps: AsyncIterable<Taken<T>>): AsyncGenerator<T> {
  const unread: Pending<T>[] = [];
  try {
    for await (const { numbers, isDue } of steps) {
      if (!isPending(numbers)) {
        yield numbers;
        continue;
      }
      unread.push(numbers);
      if (isDue || unread.length === stepsPerRead) yield* readAll(unread.splice(0));
    }
  } finally {
    tf.dispose(unread.map(({ values }) => values));
  }
}

async function* readAll<T>(pending: readonly Pending<T>[]): AsyncGenerator<T> {
  const vectors = pending.map(({ values }) => values);
  const sizes = vectors.map(({ size }) => size);
  const all = tf.tidy(() => tf.concat1d(vectors));
  tf.dispose(vectors);
  const read = await takeValues(all);
  let from = 0;
  for (const [i, { finish }] of pending.entries()) {
    yield await finish(read.slice(from, from += sizes[i]!));
  }
}

/** Reads the values of a tensor, by any backend, and frees it. */
export async function takeValues(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return await tensor.data<"float32">();
  } finally {
    tensor.dispose();
  }
}

function mapped<Name extends string, A, B>(
  record: Readonly<Record<Name, A>>,
  f: (value: A) => B,
): Record<Name, B> {
  const entries = Object.entries<A>(record).map(([name, value]) => [name, f(value)]);
  return Object.fromEntries(entries);
}
