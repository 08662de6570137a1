/**
 * Reading the features of any images, in memory or in files, into a bank: in memory if they fit,
 * else in a file. N images, D features.
 */
import * as tf from "lib/tf.ts";
import { alone, type World } from "lib/distributed/world.ts";
import type { ChannelStats } from "lib/augment/mod.ts";
import { centerCrops } from "lib/datasets/pictures/center_crops.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";
import { bankOf, type FeatureBank, type LabelledFeatures } from "lib/eval/features/feature_bank.ts";
import {
  createFeatureFile,
  type FeatureWriter,
  openFeatureFile,
} from "lib/eval/features/feature_file.ts";
import { type FeatureReader, imageBatch } from "lib/eval/features/features.ts";
import { type FeaturePart, joinParts } from "lib/eval/features/shared_reading.ts";
import { takeValues } from "lib/train/reading.ts";

export interface FeatureBankOptions {
  /** The normalisation that the network was trained with. */
  readonly stats: ChannelStats;
  /**
   * Side in pixels to which pictures in files are cropped; images in memory are read as they are.
   */
  readonly size: number;
  /** File for features that do not fit in memory: a path without `.npy` that nobody else uses. */
  readonly path: string;
  /**
   * Most bytes of features to hold in memory. By default 1 GiB, so only ImageNet's go to a file.
   */
  readonly inMemory?: number;
  readonly batchSize?: number;
  /**
   * Whether the short side of every image becomes `size` and the centre is kept, as ELEVATER does,
   * of images in memory too.
   */
  readonly whole?: boolean;
  /**
   * The processes that read together. The bank is process 0's; the others call
   * {@linkcode helpToRead} at the same time. By default, this process alone.
   */
  readonly world?: World;
}

/** A bank that belongs to its reader. Disposing of it removes its file, if it has one. */
export interface OwnedBank extends FeatureBank, Disposable {}

/**
 * Reads the features of every image.
 *
 * @param pause Awaited after each batch; what it throws ends the reading, and leaves nothing
 *   behind.
 * @throws {RangeError} If there is no image.
 * @throws {Error} If a picture or the disk fails.
 */
export async function readFeatureBank(
  read: FeatureReader,
  source: ImageSource,
  options: FeatureBankOptions,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<OwnedBank> {
  const { path, inMemory = 2 ** 30 } = options;
  let sink: Sink | undefined;
  try {
    for await (const part of partsOf(read, source, options, pause)) {
      const fits = 4 * imageCount(source) * part.dim <= inMemory;
      sink ??= fits ? memorySink(imageCount(source), part.dim) : fileSink(path, part.dim);
      sink.append(part);
    }
    if (sink === undefined) throw new RangeError(`There is no image in "${source.name}"`);
    return sink.finish();
  } catch (error) {
    sink?.[Symbol.dispose]();
    throw error;
  }
}

/**
 * Reads this process's part of what process 0 reads into a bank.
 *
 * @throws {StoppedElsewhereError} If process 0's pause throws.
 */
export async function helpToRead(
  read: FeatureReader,
  source: ImageSource,
  options: FeatureBankOptions,
): Promise<void> {
  // Signals are heard between macrotasks.
  const pause = () => new Promise<void>((done) => setTimeout(done));
  for await (const _ of partsOf(read, source, options, pause));
}

/** The features of all images, batch by batch. */
async function* partsOf(
  read: FeatureReader,
  source: ImageSource,
  { stats, size, batchSize = 256, whole = false, world = alone }: FeatureBankOptions,
  pause: () => Promise<void>,
): AsyncGenerator<FeaturePart> {
  const crops = { size, batchSize, ...(whole && { shortSide: size, resizeAll: true }) };
  const every = { first: world.rank, step: world.size };
  const own = ownParts(read, centerCrops(source, { ...crops, every }), stats);
  if (world.size > 1) {
    try {
      yield* joinParts(own, { images: imageCount(source), batchSize }, pause, world);
    } finally {
      await own.return(undefined); // closes the pictures' files
    }
    return;
  }
  for await (const part of own) {
    yield part;
    await pause();
  }
}

async function* ownParts(
  read: FeatureReader,
  batches: AsyncIterable<ImageSet>,
  stats: ChannelStats,
): AsyncGenerator<FeaturePart> {
  for await (const images of batches) {
    const features = tf.tidy(() => read(imageBatch(images, 0, imageCount(images), stats)));
    const dim = features.shape[1];
    yield { features: await takeValues(features), labels: images.labels, dim };
  }
}

/** Receives features in order. It becomes a bank, or is disposed of. */
interface Sink extends Disposable {
  append(part: LabelledFeatures): void;
  finish(): OwnedBank;
}

function memorySink(count: number, dim: number): Sink {
  const whole = { features: new Float32Array(count * dim), labels: new Int32Array(count) };
  let at = 0;
  return {
    append: ({ features, labels }) => {
      whole.features.set(features, at * dim);
      whole.labels.set(labels, at);
      at += labels.length;
    },
    finish: () => ({ ...bankOf(whole, "image"), [Symbol.dispose]: () => {} }),
    [Symbol.dispose]: () => {},
  };
}

function fileSink(path: string, dim: number): Sink {
  const writer: FeatureWriter = createFeatureFile(path, dim);
  return {
    append: writer.append,
    finish: () => {
      writer.close();
      const file = openFeatureFile(path);
      return {
        ...file,
        [Symbol.dispose]: () => {
          file[Symbol.dispose]();
          for (const end of [".npy", ".labels.npy"]) Deno.removeSync(path + end);
        },
      };
    },
    [Symbol.dispose]: writer[Symbol.dispose],
  };
}
