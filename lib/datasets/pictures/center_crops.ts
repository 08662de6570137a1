/** Prepares pictures in files for evaluation: the short side is resized, and the centre kept. */
import { type Raster, raster, resizedCrop } from "lib/augment/mod.ts";
import { checkImageSet, imageAt, imageCount, type ImageSet, subset } from "./images.ts";
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import {
  damageLedger,
  type DamageOptions,
  openPictures,
  type PictureReader,
} from "./picture_reader.ts";
import { decoderOf, type ImageSource, isStored, type StoredImages } from "./stored_images.ts";
import { stringAt } from "./string_table.ts";
import { nativeViews } from "lib/native/views.ts";

export interface CenterCropOptions extends DamageOptions {
  /** Pixels a side of what is kept. */
  readonly size: number;
  /**
   * Pixels of the short side before the crop. By default 8/7 of `size`; `size` itself for pictures
   * that are cut already (ImageNet-C).
   */
  readonly shortSide?: number;
  /** Images at a time. */
  readonly batchSize?: number;
  /** The first batch that is given, and the distance to the next. By default, all are. */
  readonly every?: { readonly first: number; readonly step: number };
  /** Whether images in memory are resized and cut too. By default they are given as they are. */
  readonly resizeAll?: boolean;
}

const atOnce = 4; // pictures in flight: decoding goes on in libvips' threads while one is resized

/**
 * Gives all images of a source in its order, a batch at a time; the next batch is decoded while the
 * caller works on one. Pictures in files are cropped as in the reference's evaluation: Resize(256)
 * bicubic and CenterCrop(224), or the same share of another size. Images in memory are given as
 * they are.
 *
 * A damaged picture is replaced by the next whole one, with that one's label.
 *
 * @throws {Error} If a file is gone, or too many pictures are damaged.
 */
export async function* centerCrops(
  source: ImageSource,
  {
    size,
    shortSide = shortSideOf(size),
    batchSize = 256,
    every = { first: 0, step: 1 },
    resizeAll = false,
    ...options
  }: CenterCropOptions,
): AsyncGenerator<ImageSet> {
  const count = imageCount(source);
  const [first, step] = [every.first * batchSize, every.step * batchSize];
  const batch = (from: number) =>
    Array.from({ length: Math.min(batchSize, count - from) }, (_, i) => from + i);
  if (!isStored(source)) {
    for (let from = first; from < count; from += step) {
      const images = subset(source, batch(from));
      yield resizeAll ? resized(images, size, shortSide) : images;
    }
    return;
  }
  const ledger = damageLedger(source, options);
  using pictures = openPictures(source);
  const make = (from: number) => {
    const made = readCrops(pictures, source, batch(from), size, shortSide);
    made.catch(() => {}); // the error is thrown when the batch is awaited
    return made;
  };
  if (first >= count) return;
  let next = make(first);
  for (let from = first; from < count; from += step) {
    const { images, damaged } = await next;
    if (from + step < count) next = make(from + step);
    ledger.note(damaged);
    yield images;
  }
}

/** Images in memory, resized and cut; those that have the size already as they are. */
function resized(images: ImageSet, size: number, shortSide: number): ImageSet {
  const { width, height } = images;
  if (width === size && height === size && shortSide === size) return images;
  const count = imageCount(images);
  const pixels = new Uint8Array(count * size * size * 3);
  for (let i = 0; i < count; i++) {
    const image = raster(width, height, 3, imageAt(images, i).pixels);
    pixels.set(centerCrop(image, size, shortSide).data, i * size * size * 3);
  }
  return { ...images, width: size, height: size, pixels, masks: undefined };
}

/**
 * Reads the images at `indices` into memory, all of one size: pictures in files as
 * {@linkcode centerCrops} crops them, others as they are.
 *
 * @throws {RangeError} If an index is outside the source.
 * @throws {Error} For the reasons of {@linkcode centerCrops}.
 */
export async function takeImages(
  source: ImageSource,
  indices: readonly number[],
  { size, shortSide = shortSideOf(size), ...options }: Omit<
    CenterCropOptions,
    "batchSize" | "every"
  >,
): Promise<ImageSet> {
  if (!isStored(source)) return subset(source, indices);
  const ledger = damageLedger(source, options);
  using pictures = openPictures(source);
  const { images, damaged } = await readCrops(pictures, source, indices, size, shortSide);
  ledger.note(damaged);
  return images;
}

async function readCrops(
  pictures: PictureReader,
  source: StoredImages,
  indices: readonly number[],
  size: number,
  shortSide: number,
) {
  const decode = decoderOf(source);
  const read = await mapInOrder(
    indices,
    atOnce,
    (index) =>
      pictures.read(index, async (bytes) => ({
        pixels: centerCrop(await decode(bytes), size, shortSide).data,
      })),
  );
  const pixels = new Uint8Array(indices.length * size * size * 3);
  read.forEach(({ picture }, i) => pixels.set(picture.pixels, i * size * size * 3));
  const images = checkImageSet({
    name: `${source.name}, ${size} px`,
    height: size,
    width: size,
    pixels,
    labels: Int32Array.from(read, ({ index }) => source.labels[index]!),
    classNames: source.classNames,
    ids: read.map(({ index }) => stringAt(source.ids, index)),
  });
  return { images, damaged: read.flatMap(({ damaged }) => damaged) };
}

/**
 * torchvision's `Resize(size · 8 / 7)`, bicubic, and `CenterCrop(size)` on a Pillow image: 256 and
 * 224.
 *
 * @returns `size` pixels a side, with the channels of `image`.
 */
export function centerCrop(image: Raster, size: number, short = shortSideOf(size)): Raster {
  const { width, height, channels } = image;
  const long = Math.trunc(short * Math.max(width, height) / Math.min(width, height));
  const [w, h] = width <= height ? [short, long] : [long, short];
  const resized = raster(w, h, channels);
  const box = { left: 0, top: 0, width, height };
  (nativeViews?.resizedCrop ?? resizedCrop)(image, box, resized);
  const [left, top] = [halfEven((w - size) / 2), halfEven((h - size) / 2)];
  const out = raster(size, size, channels);
  for (let y = 0; y < size; y++) {
    const start = ((top + y) * w + left) * channels;
    out.data.set(resized.data.subarray(start, start + size * channels), y * size * channels);
  }
  return out;
}

function shortSideOf(size: number): number {
  return Math.round(size * 8 / 7);
}

/** Rounds a half to the even number, as Python. */
function halfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
