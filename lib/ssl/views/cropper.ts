/** Makes batches of crops ahead of time, in threads, while the network trains. */
import { imageCount } from "lib/datasets/pictures/images.ts";
import {
  type DamageLedger,
  damageLedger,
  type DamageOptions,
} from "lib/datasets/pictures/picture_reader.ts";
import { type ImageSource, isStored } from "lib/datasets/pictures/stored_images.ts";
import type { Rng } from "lib/rng.ts";
import { batchesAhead, batchQueue, promised } from "lib/train/batch_queue.ts";
import type { BatchSource } from "lib/train/loop.ts";
import { type CropBatch, emptyCropBatch } from "./batch.ts";
import { checkRecipe, type CropRecipe } from "./crop_recipe.ts";
import { type CropSource, cropSource } from "./crop_source.ts";
import { startCropperThread } from "./cropper_thread.ts";
import { createViewMaker, type MadeViews, type ViewMaker } from "./view_maker.ts";

/**
 * Makes the views of given images at a given step. The views do not depend on the number of
 * threads.
 */
export interface Cropper extends BatchSource<CropBatch>, Disposable {
  /** Number of threads. */
  readonly workers: number;
  /**
   * The views of the images at `indices`. They are valid until the next call, which may overwrite
   * them.
   *
   * @throws {RangeError} If an index is outside the set.
   * @throws {Error} If the cropper is closed, a thread died, a file is gone, or too many pictures
   *   are damaged.
   */
  next(indices: Uint32Array, step: number): Promise<CropBatch>;
  /** Starts to make a later batch, and returns at once. Does nothing if there are no threads. */
  prefetch(indices: Uint32Array, step: number): void;
  /** Ends the threads; unfinished batches are lost. It may be called twice. */
  close(): void;
}

export interface CropperOptions extends DamageOptions {
  /** The random stream of all crops. Its fork `s` is the stream of step `s`. */
  readonly rng: Rng;
  /**
   * Number of threads, which share the work on every batch; with 0, the caller's own thread does
   * it. By default 1 for images in memory; for pictures in files, one less than there are cores.
   */
  readonly workers?: number;
  /**
   * Whether to decode large JPEGs at a fraction of their size, which is faster and less exact: see
   * {@linkcode decodeShrunk}. By default, no.
   */
  readonly shrinkOnLoad?: boolean;
  /**
   * The places of each batch's images in the whole batch, if several processes share it: the views
   * of an image depend on its place. By default, 0, 1, 2, …
   */
  readonly places?: Uint32Array;
}

/**
 * Creates a cropper of a set, which must not change afterwards. Threads share one copy of images in
 * memory; pictures in files they read and decode themselves.
 *
 * A picture that cannot be decoded is logged, and the next one in the set takes its place.
 * `DamageOptions` say how many such pictures are too many.
 *
 * @throws {RangeError} If the recipe cannot be followed, or the number of workers is not a natural
 *   number.
 */
export function createCropper(
  images: ImageSource,
  recipe: CropRecipe,
  { rng, workers = defaultWorkers(images), shrinkOnLoad = false, places, ...options }:
    CropperOptions,
): Cropper {
  checkRecipe(recipe);
  if (!(Number.isInteger(workers) && workers >= 0)) {
    throw new RangeError(`Cannot crop with ${workers} workers: need 0 or more`);
  }
  const ledger = isStored(images) ? damageLedger(images, options) : undefined;
  const source = isStored(images) ? images : cropSource(images);
  const common = { recipe, shrinkOnLoad, places };
  const start = { source: workers > 0 ? shared(source) : source, rngPath: rng.path, ...common };
  const makers = workers > 0
    ? Array.from({ length: workers }, () => startCropperThread(start))
    : [createViewMaker({ source, rng, ...common })];
  const rooms = batchRooms(recipe);
  const count = imageCount(images);
  return withQueue({ count, workers }, makers, rooms, ledger);
}

function defaultWorkers(images: ImageSource): number {
  return isStored(images) ? Math.max(1, navigator.hardwareConcurrency - 1) : 1;
}

function shared<S extends CropSource | ImageSource>(source: S): S {
  if (!("pixels" in source) || source.pixels.buffer instanceof SharedArrayBuffer) return source;
  const pixels = new Uint8Array(new SharedArrayBuffer(source.pixels.length));
  pixels.set(source.pixels);
  return { ...source, pixels };
}

/**
 * Memory for batches, which is reused: the garbage collector does not count shared memory, so that
 * unused batches would pile up.
 */
interface BatchRooms {
  take(images: number): CropBatch;
  giveBack(batch: CropBatch): void;
}

function batchRooms(recipe: CropRecipe): BatchRooms {
  const free: CropBatch[] = [];
  const allocate = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
  return {
    take(images) {
      const place = free.findIndex((batch) => batch.images === images);
      return place >= 0 ? free.splice(place, 1)[0]! : emptyCropBatch(images, recipe, allocate);
    },
    giveBack(batch) {
      free.push(batch);
      if (free.length > batchesAhead) free.shift();
    },
  };
}

/** A batch that is being made, or is finished. */
interface Order {
  readonly room: CropBatch;
  readonly made: Promise<MadeViews>;
}

/** A cropper around the makers. Its queue holds the prefetched batches until they are asked for. */
function withQueue(
  { count, workers }: Pick<Cropper, "count" | "workers">,
  makers: readonly ViewMaker[],
  rooms: BatchRooms,
  ledger: DamageLedger | undefined,
): Cropper {
  let lent: CropBatch | undefined;
  let closed = false;
  const queue = batchQueue(
    (indices, step): Order => {
      const room = rooms.take(indices.length);
      return { room, made: promised(makeTogether(makers, indices, step, room)) };
    },
    // The memory of a dropped batch can be reused once the makers have finished with it.
    ({ made, room }) => void made.then(() => rooms.giveBack(room), () => {}),
  );
  const close = () => {
    closed = true;
    queue.clear();
    makers.forEach((maker) => maker[Symbol.dispose]());
  };
  return {
    count,
    workers,
    async next(indices, step) {
      if (closed) throw new Error(`Cannot make the crops of step ${step}: the cropper is closed`);
      if (lent) rooms.giveBack(lent);
      lent = undefined;
      const { made, room } = queue.take(indices, step);
      const { damaged, failure } = await made;
      lent = room;
      ledger?.note(damaged);
      if (failure) throw failure.error;
      return room;
    },
    prefetch(indices, step) {
      if (!closed && workers > 0) queue.begin(indices, step);
    },
    close,
    [Symbol.dispose]: close,
  };
}

/**
 * Lets all makers work on a batch. If several images fail, the error of the first one in the batch
 * is returned. It does not depend on timing, since the makers begin images in the order of the
 * batch.
 */
async function makeTogether(
  makers: readonly ViewMaker[],
  indices: Uint32Array,
  step: number,
  room: CropBatch,
): Promise<MadeViews> {
  const claims = new Int32Array(new SharedArrayBuffer(4));
  const job = { indices: indices.slice(), step, out: room, claims };
  const parts = await Promise.all(makers.map((maker) => maker.make(job)));
  const failures = parts.flatMap(({ failure }) => failure ?? []);
  failures.sort((a, b) => a.position - b.position);
  const damaged = parts.flatMap((part) => part.damaged).sort((a, b) => a.index - b.index);
  return { damaged, failure: failures[0] };
}
