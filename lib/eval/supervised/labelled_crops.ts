/**
 * Makes batches of random crops with their classes, from images in memory or pictures in files. B
 * images, S pixels a side.
 */
import {
  type ChannelStats,
  normalize,
  normalizeTable,
  type Raster,
  raster,
} from "lib/augment/mod.ts";
import { imageAt, type ImageSet } from "lib/datasets/pictures/images.ts";
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import {
  damageLedger,
  type DamageOptions,
  openPictures,
} from "lib/datasets/pictures/picture_reader.ts";
import {
  decoderOf,
  type ImageSource,
  isStored,
  type StoredImages,
} from "lib/datasets/pictures/stored_images.ts";
import { randomCrop, type RandomCropOptions } from "./random_crop.ts";
import type { Rng } from "lib/rng.ts";
import { batchQueue, promised } from "lib/train/batch_queue.ts";
import type { BatchSource } from "lib/train/loop.ts";

/** How the crops are made. */
export interface LabelledCropOptions extends RandomCropOptions, DamageOptions {
  /** Mean and standard deviation that the crops are normalised by. */
  readonly stats: ChannelStats;
  /** The random stream. The image with index `i` uses the fork `i` of the fork of its step. */
  readonly rng: Rng;
}

export interface LabelledBatch {
  /** `[B, S, S, 3]`, normalised. */
  readonly pixels: Float32Array;
  /** `[B]`, −1 for no class. */
  readonly labels: Int32Array;
}

/**
 * Makes batches; dispose of it to close the files. Only pictures in files are prefetched: crops of
 * images in memory are made at once.
 */
export interface LabelledCrops extends BatchSource<LabelledBatch>, Disposable {
  /** S, pixels a side of a crop. */
  readonly size: number;
  /** The classes of all images, `[N]`. */
  readonly labels: Int32Array;
  /** @throws {Error} If a file is gone, or too many pictures are damaged. */
  next(indices: Uint32Array, step: number): Promise<LabelledBatch>;
}

/**
 * Opens a set of images. An image in memory and a file with the same pixels give the same crops.
 */
export function openLabelledCrops(
  source: ImageSource,
  options: LabelledCropOptions,
): LabelledCrops {
  return isStored(source) ? storedCrops(source, options) : cropsInMemory(source, options);
}

function cropsInMemory(set: ImageSet, options: LabelledCropOptions): LabelledCrops {
  const { size, rng } = options;
  const { width, height, labels } = set;
  const paint = painter(options);
  return {
    size,
    count: labels.length,
    labels,
    next: (indices, step) => {
      const batch = emptyBatch(indices, size);
      indices.forEach((index, i) => {
        const image = raster(width, height, 3, imageAt(set, index).pixels);
        paint(image, rng.fork(step).fork(index), batch, i);
        batch.labels[i] = labels[index]!;
      });
      return Promise.resolve(batch);
    },
    prefetch() {},
    [Symbol.dispose]() {},
  };
}

// Number of pictures that are decoded at the same time; libvips has its own threads.
const atOnce = 2 * navigator.hardwareConcurrency;

function storedCrops(source: StoredImages, options: LabelledCropOptions): LabelledCrops {
  const { size, rng } = options;
  const pictures = openPictures(source);
  const ledger = damageLedger(source, options);
  const [paint, decode] = [painter(options), decoderOf(source)];
  const make = async (indices: Uint32Array, step: number) => {
    const batch = emptyBatch(indices, size);
    const places = Array.from(indices, (index, i) => ({ index, i }));
    const read = await mapInOrder(places, atOnce, async ({ index, i }) => {
      // In place of a damaged picture, the next good one in the set is read.
      const { picture, index: used, damaged } = await pictures.read(index, decode);
      paint(picture, rng.fork(step).fork(index), batch, i);
      batch.labels[i] = source.labels[used]!;
      return damaged;
    });
    ledger.note(read.flat());
    return batch;
  };
  const queue = batchQueue((indices, step) => promised(make(indices.slice(), step)));
  return {
    size,
    count: source.labels.length,
    labels: source.labels,
    next: queue.take,
    prefetch: queue.begin,
    [Symbol.dispose]: () => pictures[Symbol.dispose](),
  };
}

function emptyBatch({ length }: Uint32Array, size: number): LabelledBatch {
  return { pixels: new Float32Array(length * size * size * 3), labels: new Int32Array(length) };
}

/** Returns a function that writes a random crop of an image to a place in a batch. */
function painter({ stats, ...options }: LabelledCropOptions) {
  const values = normalizeTable(stats);
  const length = options.size ** 2 * 3;
  return (image: Raster, rng: Rng, { pixels }: LabelledBatch, place: number) =>
    normalize(randomCrop(image, options, rng), values, pixels, place * length);
}
