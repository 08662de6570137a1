/**
 * What a detector's training does to a picture before it is shown, with the boxes and masks on it: mirrored, resized, sometimes
 * cropped first. Plain bytes in, plain bytes out.
 */
import { flipHorizontal, type Raster, raster, resizedCrop } from "lib/augment/mod.ts";
import type { Rng } from "lib/rng.ts";
import { boxCount, type Boxes, clipBoxes, selectBoxes } from "lib/detect/boxes/boxes.ts";
import type { DetectionTargets, ImageSize } from "lib/detect/boxes/targets.ts";

/** A picture and what is on it; their sides are the same. */
export interface TrainingPicture {
  readonly picture: Raster;
  readonly targets: DetectionTargets;
}

/** How large a picture is made: sides keep their ratio. In pixels. */
export interface ResizeOptions {
  /** One is drawn for the picture's shorter side. */
  readonly shortSides: readonly number[];
  /** What the longer side may not exceed; the shorter one then becomes shorter. */
  readonly longSide: number;
}

export interface DetectionAugmentation extends ResizeOptions {
  /** How likely a picture is mirrored, a fraction. */
  readonly flip: number;
  /** Cropped first, some of the pictures: DETR's policy, which Swin's and ConvNeXt's detectors took over. */
  readonly crop: {
    /** How likely, a fraction. */
    readonly probability: number;
    /** One is drawn for the shorter side of what is cropped from. */
    readonly shortSides: readonly number[];
    /** Smallest and largest side of the crop, drawn for height and width apart; a picture's own side if that is smaller. */
    readonly sides: readonly [number, number];
  } | null;
}

/**
 * One draw of all.
 *
 * Differs: pictures are resized by Pillow's bilinear filter, which averages where a picture becomes smaller, as detectron2 does;
 * mmdet's takes four pixels, however many there are.
 *
 * @returns A picture of its own; objects of which nothing is left are not on it.
 */
export function augmentPicture(
  { picture, targets }: TrainingPicture,
  options: DetectionAugmentation,
  rng: Rng,
): TrainingPicture {
  const { flip, crop } = options;
  let shown: TrainingPicture = { picture, targets };
  if (rng.bernoulli(flip)) shown = mirrored(shown);
  if (crop && rng.bernoulli(crop.probability)) {
    const { longSide } = options;
    const large = resized(
      shown,
      drawSize(shown.targets, { shortSides: crop.shortSides, longSide }, rng),
    );
    shown = cropped(large, drawCrop(large.targets, crop.sides, rng));
  }
  return resized(shown, drawSize(shown.targets, options, rng));
}

/** Left to right. */
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

/** The size of a short side, as mmcv rounds it. */
function drawSize(
  size: ImageSize,
  { shortSides, longSide }: ResizeOptions,
  rng: Rng,
): ImageSize {
  return fittedSize(size, shortSides[rng.int(shortSides.length)]!, longSide);
}

/**
 * A size of the same ratio with a shorter side of `shortSide`, or a longer one of `longSide` if it would exceed that. In pixels,
 * rounded.
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

/** All of it, at another size: pixels bilinear, masks by their nearest pixel. */
export function resized(shown: TrainingPicture, size: ImageSize): TrainingPicture {
  const { picture, targets } = shown;
  const { height, width } = size;
  if (height === targets.height && width === targets.width) return shown;
  const out = raster(width, height, picture.channels);
  const whole = { left: 0, top: 0, width: targets.width, height: targets.height };
  resizedCrop(picture, whole, out, "bilinear");
  const [across, down] = [width / targets.width, height / targets.height];
  const boxes = targets.boxes.map((value, i) => value * (i % 2 === 0 ? across : down));
  const masks = targets.masks.map((mask) => nearest(mask, targets, size));
  return { picture: out, targets: withoutEmpty({ ...size, labels: targets.labels, boxes, masks }) };
}

/** A mask at another size: each pixel is the one that its centre lies in. */
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

/** What lies in a region of it: boxes are cut at its edges. */
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

/** @param stride Pixels in a row of `data`. */
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

/** Those objects that have a pixel and a box of some extent. */
export function withoutEmpty(targets: DetectionTargets): DetectionTargets {
  const { boxes, labels, masks } = targets;
  const kept = Array.from({ length: boxCount(boxes) }, (_, i) => i)
    .filter((i) => hasExtent(boxes, i) && masks[i]!.includes(1));
  if (kept.length === masks.length) return targets;
  return {
    ...targets,
    boxes: selectBoxes(boxes, kept),
    labels: Int32Array.from(kept, (i) => labels[i]!),
    masks: kept.map((i) => masks[i]!),
  };
}

function hasExtent(boxes: Boxes, i: number): boolean {
  return boxes[4 * i + 2]! > boxes[4 * i]! && boxes[4 * i + 3]! > boxes[4 * i + 1]!;
}
