/**
 * Reading the features of any images, in memory or in files, into a bank: in memory if they fit,
 * else in a file. N images, D features.
 */
import * as tf from "lib/tf.ts";
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
  { stats, size, path, inMemory = 2 ** 30, batchSize = 256, whole = false }: FeatureBankOptions,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<OwnedBank> {
  let sink: Sink | undefined;
  try {
    const crops = { size, batchSize, ...(whole && { shortSide: size, resizeAll: true }) };
    for await (const images of centerCrops(source, crops)) {
      const [features, dim] = await featuresOf(read, images, stats);
      const fits = 4 * imageCount(source) * dim <= inMemory;
      sink ??= fits ? memorySink(imageCount(source), dim) : fileSink(path, dim);
      sink.append({ features, labels: images.labels });
      await pause();
    }
    if (sink === undefined) throw new RangeError(`There is no image in "${source.name}"`);
    return sink.finish();
  } catch (error) {
    sink?.[Symbol.dispose]();
    throw error;
  }
}

async function featuresOf(
  read: FeatureReader,
  images: ImageSet,
  stats: ChannelStats,
): Promise<readonly [Float32Array, number]> {
  const features = tf.tidy(() => read(imageBatch(images, 0, imageCount(images), stats)));
  return [await takeValues(features), features.shape[1]];
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
