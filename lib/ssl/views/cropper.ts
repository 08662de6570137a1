/** Batches of crops, made ahead of time in threads while the network trains. */
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
 * Makes the views of any images at any step. The same views come from any number of threads, or
 * from none.
 */
export interface Cropper extends BatchSource<CropBatch>, Disposable {
  /** Threads. */
  readonly workers: number;
  /**
   * The views of the images at `indices`. They are lent until the next call, which may write others
   * in their place.
   *
   * @throws {RangeError} If an index is outside the set.
   * @throws {Error} If the cropper is closed, a thread died, a file is gone, or too many pictures
   *   are damaged.
   */
  next(indices: Uint32Array, step: number): Promise<CropBatch>;
  /** Starts on a later batch and returns at once. Without threads, does nothing. */
  prefetch(indices: Uint32Array, step: number): void;
  /** Ends the threads; batches still in the making are lost. Closing twice is fine. */
  close(): void;
}

export interface CropperOptions extends DamageOptions {
  /** The stream of all crops; step `s` draws from its fork `s`. */
  readonly rng: Rng;
  /**
   * Threads, which share the work on every batch; 0 makes all in the caller's. By default one for
   * images in memory, and for pictures in files one for each core but the caller's.
   */
  readonly workers?: number;
  /**
   * Decode large JPEGs at a fraction of their size: see {@linkcode decodeShrunk}. By default, views
   * are exact.
   */
  readonly shrinkOnLoad?: boolean;
}

/**
 * A cropper of a source, which must not change afterwards. Threads get one copy of the pixels, in
 * shared memory, or read and decode the pictures of their batches.
 *
 * A picture that cannot be decoded is named, and the next in the set takes its place
 * (`DamageOptions` say when that is too much).
 *
 * @throws {RangeError} If the recipe cannot be followed, or the number of workers is not a natural
 *   number.
 */
export function createCropper(
  images: ImageSource,
  recipe: CropRecipe,
  { rng, workers = defaultWorkers(images), shrinkOnLoad = false, ...options }: CropperOptions,
): Cropper {
  checkRecipe(recipe);
  if (!(Number.isInteger(workers) && workers >= 0)) {
    throw new RangeError(`Cannot crop with ${workers} workers: need 0 or more`);
  }
  const ledger = isStored(images) ? damageLedger(images, options) : undefined;
  const source = isStored(images) ? images : cropSource(images);
  const common = { recipe, shrinkOnLoad };
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
 * Memory for batches, used again and again: shared memory is not counted by the collector of
 * garbage, and would pile up.
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
      const found = free.findIndex((batch) => batch.images === images);
      return found >= 0 ? free.splice(found, 1)[0]! : emptyCropBatch(images, recipe, allocate);
    },
    giveBack(batch) {
      free.push(batch);
      if (free.length > batchesAhead) free.shift();
    },
  };
}

/** A batch in the making, or made. */
interface Order {
  readonly room: CropBatch;
  readonly made: Promise<MadeViews>;
}

/** The public face of the makers: what was asked for ahead of time is kept until it is fetched. */
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
    // The room is free once its makers are done with it.
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
 * Lets all makers work on a batch. Of several failures the one that counts is the first of the
 * batch: images are taken on in their order, so that it is found whatever the timing.
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
