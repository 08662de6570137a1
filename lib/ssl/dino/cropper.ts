/** Batches of crops, made ahead of time in threads while the network trains. */
import type { ImageSet } from "lib/datasets/images.ts";
import type { Rng } from "lib/rng.ts";
import {
  checkRecipe,
  type CropBatch,
  cropBatch,
  type CropRecipe,
  cropSource,
} from "lib/ssl/dino/crops.ts";
import type { CropperAnswer, CropperJob, CropperStart } from "lib/ssl/dino/cropper_worker.ts";

/** Makes the views of any images at any step. The same views come from any number of threads, or from none. */
export interface Cropper extends Disposable {
  /** Images to crop. */
  readonly count: number;
  /** How many batches can be in the making while the caller does something else. */
  readonly workers: number;
  /**
   * The views of the images at `indices`: those of {@linkcode prefetch} if they were asked for, else made now.
   * The caller owns them.
   *
   * @throws {RangeError} If an index is outside the set.
   * @throws {Error} If the cropper is closed, or a thread died.
   */
  next(indices: Uint32Array, step: number): Promise<CropBatch>;
  /** Starts on a later batch and returns at once. Without threads, does nothing. */
  prefetch(indices: Uint32Array, step: number): void;
  /** Ends the threads; batches still in the making are lost. Closing twice is fine. */
  close(): void;
}

export interface CropperOptions {
  /** The stream of all crops; step `s` draws from its fork `s`. */
  readonly rng: Rng;
  /** Threads; 0 makes every batch in the caller's. By default, 1. */
  readonly workers?: number;
}

/**
 * A cropper of an image set, which must not change afterwards. Threads get one copy of the pixels, in shared memory.
 *
 * @throws {RangeError} If the recipe cannot be followed, or the number of workers is not a natural number.
 */
export function createCropper(
  images: ImageSet,
  recipe: CropRecipe,
  { rng, workers = 1 }: CropperOptions,
): Cropper {
  checkRecipe(recipe);
  if (!(Number.isInteger(workers) && workers >= 0)) {
    throw new RangeError(`Cannot crop with ${workers} workers: need 0 or more`);
  }
  const source = cropSource(images);
  const shared = workers > 0 ? { ...source, pixels: inSharedMemory(source.pixels) } : source;
  const start = { source: shared, recipe, rngPath: rng.path };
  const threads = Array.from({ length: workers }, () => startThread(start));
  const make = (indices: Uint32Array, step: number) =>
    workers > 0
      ? leastBusy(threads).make(indices, step)
      : cropBatch(source, indices, recipe, rng.fork(step));
  return withQueue(source.count, threads, make);
}

type Make = (indices: Uint32Array, step: number) => CropBatch | Promise<CropBatch>;

/** The public face of `make`: what was asked for ahead of time is kept until it is fetched. */
function withQueue(count: number, threads: readonly Thread[], make: Make): Cropper {
  const ahead = new Map<number, { indices: Uint32Array; batch: Promise<CropBatch> }>();
  let closed = false;
  const close = () => {
    closed = true;
    ahead.clear();
    threads.forEach((thread) => thread.close());
  };
  return {
    count,
    workers: threads.length,
    async next(indices, step) {
      if (closed) throw new Error(`Cannot make the crops of step ${step}: the cropper is closed`);
      const ready = ahead.get(step);
      for (const early of ahead.keys()) if (early <= step) ahead.delete(early);
      return await (ready && equal(ready.indices, indices) ? ready.batch : make(indices, step));
    },
    prefetch(indices, step) {
      if (closed || threads.length === 0) return;
      const batch = Promise.resolve(make(indices, step));
      batch.catch(() => {}); // it is heard by whoever asks for the batch
      ahead.set(step, { indices: indices.slice(), batch });
      if (ahead.size > threads.length + 1) ahead.delete(Math.min(...ahead.keys())); // never fetched
    },
    close,
    [Symbol.dispose]: close,
  };
}

function equal(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function inSharedMemory(pixels: Uint8Array): Uint8Array {
  if (pixels.buffer instanceof SharedArrayBuffer) return pixels;
  const shared = new Uint8Array(new SharedArrayBuffer(pixels.length));
  shared.set(pixels);
  return shared;
}

interface Thread {
  /** Batches asked for and not made yet. */
  waiting(): number;
  make(indices: Uint32Array, step: number): Promise<CropBatch>;
  close(): void;
}

function leastBusy(threads: readonly Thread[]): Thread {
  return threads.reduce((best, thread) => thread.waiting() < best.waiting() ? thread : best);
}

function startThread(start: CropperStart): Thread {
  const url = new URL("./cropper_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module", name: "crops" });
  const waiting = new Map<number, PromiseWithResolvers<CropBatch>>();
  let ended: string | undefined;
  let jobs = 0;
  const end = (reason: string) => {
    ended ??= reason;
    worker.terminate();
    waiting.forEach(({ reject }) => reject(new Error(`Cannot make crops: ${ended}`)));
    waiting.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<CropperAnswer>) => {
    settle(waiting.get(data.id)!, data);
    waiting.delete(data.id);
  };
  worker.onerror = (event) => {
    event.preventDefault(); // else it ends the process, and a notebook's kernel with it
    end(`their thread died: ${event.message}`);
  };
  worker.postMessage(start);
  return {
    waiting: () => waiting.size,
    make(indices, step) {
      if (ended) return Promise.reject(new Error(`Cannot make crops: ${ended}`));
      const job: CropperJob = { id: jobs++, indices: indices.slice(), step };
      const batch = Promise.withResolvers<CropBatch>();
      waiting.set(job.id, batch);
      worker.postMessage(job, [job.indices.buffer as ArrayBuffer]);
      return batch.promise;
    },
    close: () => end("the cropper is closed"),
  };
}

const errorTypes: Record<string, new (message: string) => Error> = { RangeError, TypeError };

function settle({ resolve, reject }: PromiseWithResolvers<CropBatch>, answer: CropperAnswer): void {
  if ("error" in answer) reject(new (errorTypes[answer.type] ?? Error)(answer.error));
  else {
    const [global, local] = answer.views;
    resolve({ images: answer.images, global, local });
  }
}
