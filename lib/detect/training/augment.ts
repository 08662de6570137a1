/**
 * Augmentation of a detector's training pictures, with their boxes and masks: mirrored, sometimes
 * cropped, and resized. It takes and returns plain bytes.
 */
import { flipHorizontal, type Raster, raster, resizedCrop } from "lib/augment/mod.ts";
import type { Rng } from "lib/rng.ts";
import { boxCount, type Boxes, clipBoxes, selectBoxes } from "lib/detect/boxes/boxes.ts";
import type { DetectionTargets, ImageSize } from "lib/detect/boxes/targets.ts";

/** A picture and its objects, of the same size. */
export interface TrainingPicture {
  readonly picture: Raster;
  readonly targets: DetectionTargets;
}

/** Sizes to resize pictures to, in pixels; their ratio stays. */
export interface ResizeOptions {
  /** Lengths of the picture's shorter side, one of which is drawn. */
  readonly shortSides: readonly number[];
  /** Largest length of the longer side; the shorter one then becomes shorter. */
  readonly longSide: number;
}

/** How pictures are changed at random before a detector learns from them. */
export interface DetectionAugmentation extends ResizeOptions {
  /** Probability of mirroring a picture. */
  readonly flip: number;
  /**
   * Some pictures are cropped first: DETR's policy, which Swin's and ConvNeXt's detectors use too.
   */
  readonly crop: {
    /** Probability of cropping. */
    readonly probability: number;
    /** Lengths of the shorter side before cropping, one of which is drawn. */
    readonly shortSides: readonly number[];
    /**
     * Smallest and largest side of the crop, drawn separately for height and width; the picture's
     * own side if that is smaller.
     */
    readonly sides: readonly [number, number];
  } | null;
}

/**
 * Augments a picture once.
 *
 * Differs: pictures are resized by Pillow's bilinear filter, which averages where a picture becomes
 * smaller, as detectron2 does; mmdet's filter always uses four pixels.
 *
 * @returns A new picture; objects of which nothing is left are removed.
 */
export function augmentPicture(
  { picture, targets }: TrainingPicture,
  options: DetectionAugmentation,
  rng: Rng,
): TrainingPicture {
  const { flip, crop } = options;
  let augmented: TrainingPicture = { picture, targets };
  if (rng.bernoulli(flip)) augmented = mirrored(augmented);
  if (crop && rng.bernoulli(crop.probability)) {
    const { longSide } = options;
    const large = resized(
      augmented,
      drawSize(augmented.targets, { shortSides: crop.shortSides, longSide }, rng),
    );
    augmented = cropped(large, drawCrop(large.targets, crop.sides, rng));
  }
  return resized(augmented, drawSize(augmented.targets, options, rng));
}

/** Mirrors left and right. */
export function mirrored({ picture, targets }: TrainingPicture): TrainingPicture {
  const { width, height, boxes, masks } = targets;
  const copy = raster(width, height, picture.channels, picture.data.slice());
  flipHorizontal(copy);
  const turned = boxes.slice();
  for (let i = 0; i < boxes.length; i += 4) {
    turned[i] = width - boxes[i + 2]!;
    turned[i + 2] = width - boxes[i]!;
  }
  const turnedMasks = masks.map((mask) => {
    const grey = raster(width, height, 1, mask.slice());
    flipHorizontal(grey);
    return grey.data;
  });
  return { picture: copy, targets: { ...targets, boxes: turned, masks: turnedMasks } };
}

/** Draws a length of the short side, rounded as mmcv does. */
function drawSize(
  size: ImageSize,
  { shortSides, longSide }: ResizeOptions,
  rng: Rng,
): ImageSize {
  return fittedSize(size, shortSides[rng.int(shortSides.length)]!, longSide);
}

/**
 * A size of the same ratio with a shorter side of `shortSide`, or with a longer side of `longSide`
 * if it would exceed that. In pixels, rounded.
 */
export function fittedSize(
  { height, width }: ImageSize,
  shortSide: number,
  longSide: number,
): ImageSize {
  const factor = Math.min(
    shortSide / Math.min(height, width),
    longSide / Math.max(height, width),
  );
  const side = (length: number) => Math.max(1, Math.floor(length * factor + 0.5));
  return { height: side(height), width: side(width) };
}

/** Resizes a picture bilinearly, its masks by the nearest pixel, and its boxes. */
export function resized(original: TrainingPicture, size: ImageSize): TrainingPicture {
  const { picture, targets } = original;
  const { height, width } = size;
  if (height === targets.height && width === targets.width) return original;
  const out = raster(width, height, picture.channels);
  const region = { left: 0, top: 0, width: targets.width, height: targets.height };
  resizedCrop(picture, region, out, "bilinear");
  const [across, down] = [width / targets.width, height / targets.height];
  const boxes = targets.boxes.map((value, i) => value * (i % 2 === 0 ? across : down));
  const masks = targets.masks.map((mask) => nearest(mask, targets, size));
  return { picture: out, targets: withoutEmpty({ ...size, labels: targets.labels, boxes, masks }) };
}

/** Resizes a mask: each pixel takes the value of the pixel that its centre lies in. */
function nearest(mask: Uint8Array, from: ImageSize, to: ImageSize): Uint8Array {
  const columns = nearestPixels(from.width, to.width);
  const rows = nearestPixels(from.height, to.height);
  const out = new Uint8Array(to.height * to.width);
  for (let y = 0, at = 0; y < to.height; y++) {
    const row = rows[y]! * from.width;
    for (let x = 0; x < to.width; x++) out[at++] = mask[row + columns[x]!]!;
  }
  return out;
}

function nearestPixels(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to }, (_, i) => Math.floor((i + 0.5) * from / to));
}

/** A region of whole pixels. */
interface Crop extends ImageSize {
  readonly left: number;
  readonly top: number;
}

function drawCrop(
  { height, width }: ImageSize,
  [least, most]: readonly [number, number],
  rng: Rng,
): Crop {
  const side = (length: number) => {
    const from = Math.min(least, length);
    return from + rng.int(Math.min(most, length) - from + 1);
  };
  const [cropHeight, cropWidth] = [side(height), side(width)];
  return {
    height: cropHeight,
    width: cropWidth,
    top: rng.int(height - cropHeight + 1),
    left: rng.int(width - cropWidth + 1),
  };
}

/** Crops to a region; boxes are cut at its edges. */
export function cropped({ picture, targets }: TrainingPicture, crop: Crop): TrainingPicture {
  const { left, top, height, width } = crop;
  const { channels } = picture;
  const out = raster(width, height, channels, cutOut(picture.data, targets.width, crop, channels));
  const moved = targets.boxes.map((value, i) => value - (i % 2 === 0 ? left : top));
  const masks = targets.masks.map((mask) => cutOut(mask, targets.width, crop, 1));
  const { labels } = targets;
  const boxes = clipBoxes(moved, height, width);
  return { picture: out, targets: withoutEmpty({ height, width, labels, boxes, masks }) };
}

/**
 * Copies a region out of an array.
 *
 * @param stride Pixels in a row of `data`.
 */
function cutOut(
  data: Uint8Array,
  stride: number,
  { left, top, height, width }: Crop,
  channels: number,
): Uint8Array {
  const out = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * stride + left) * channels;
    out.set(data.subarray(from, from + width * channels), y * width * channels);
  }
  return out;
}

/** Keeps the objects that have at least one pixel and a box of some extent. */
export function withoutEmpty(targets: DetectionTargets): DetectionTargets {
  const { boxes, labels, masks } = targets;
  const indices = Array.from({ length: boxCount(boxes) }, (_, i) => i)
    .filter((i) => hasExtent(boxes, i) && masks[i]!.includes(1));
  if (indices.length === masks.length) return targets;
  return {
    ...targets,
    boxes: selectBoxes(boxes, indices),
    labels: Int32Array.from(indices, (i) => labels[i]!),
    masks: indices.map((i) => masks[i]!),
  };
}

function hasExtent(boxes: Boxes, i: number): boolean {
  return boxes[4 * i + 2]! > boxes[4 * i]! && boxes[4 * i + 3]! > boxes[4 * i + 1]!;
}
