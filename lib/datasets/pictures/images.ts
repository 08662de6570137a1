/** Labelled images in memory: the form in which small data sets reach the rest of the library. */

/** Labelled images of one size. N images, H × W pixels. */
export interface ImageSet {
  /** Name of the set in captions and messages: `fashion-mnist placed 32 px, train`. */
  readonly name: string;
  /** Height in pixels. */
  readonly height: number;
  /** Width in pixels. */
  readonly width: number;
  /** `[N, H, W, 3]`, RGB, 0–255. */
  readonly pixels: Uint8Array;
  /** `[N]`, indices into `classNames`; −1 is unlabelled. */
  readonly labels: Int32Array;
  /** Name of each class, by its index. */
  readonly classNames: readonly string[];
  /**
   * `[N]`, the origin of each image, unique in its data set: a file's path, `train/17`,
   * `noto/red-apple`.
   */
  readonly ids: readonly string[];
  /**
   * `[N, H, W]`, 0–255: how far the object covers each pixel. Absent if that is not known exactly.
   */
  readonly masks?: Uint8Array;
}

/** N, the number of images. */
export function imageCount(set: Pick<ImageSet, "labels">): number {
  return set.labels.length;
}

/** One image. Its arrays are views into those of its set: writing to them changes the set. */
export interface ImageView {
  /** `[H, W, 3]`. */
  readonly pixels: Uint8Array;
  readonly label: number;
  /** The label's name, or `unlabelled`. */
  readonly className: string;
  readonly id: string;
  /** `[H, W]`. */
  readonly mask?: Uint8Array;
}

/**
 * Image `index` of a set, without copying.
 *
 * @throws {RangeError} If there is no such image.
 */
export function imageAt(set: ImageSet, index: number): ImageView {
  requireIndex(set, index);
  const size = set.height * set.width;
  const label = set.labels[index]!;
  return {
    pixels: set.pixels.subarray(index * size * 3, (index + 1) * size * 3),
    label,
    className: set.classNames[label] ?? "unlabelled",
    id: set.ids[index]!,
    mask: set.masks?.subarray(index * size, (index + 1) * size),
  };
}

/**
 * The images at `indices`, in that order, copied; an index may come twice.
 *
 * @throws {RangeError} If an index is outside the set.
 */
export function subset(set: ImageSet, indices: ArrayLike<number>): ImageSet {
  const order = Array.from(indices);
  for (const index of order) requireIndex(set, index);
  const size = set.height * set.width;
  return {
    ...set,
    pixels: gather(set.pixels, order, size * 3),
    labels: Int32Array.from(order, (index) => set.labels[index]!),
    ids: order.map((index) => set.ids[index]!),
    masks: set.masks && gather(set.masks, order, size),
  };
}

/**
 * Gives the same images with every label −1, as self-supervised training may see them. Shares the
 * pixels.
 */
export function unlabelled<S extends Pick<ImageSet, "labels">>(set: S): S {
  return { ...set, labels: new Int32Array(imageCount(set)).fill(-1) };
}

/**
 * Checks a set, and returns it.
 *
 * @throws {TypeError} If its arrays do not agree on N, H and W, or a label has no class name.
 */
export function checkImageSet(set: ImageSet): ImageSet {
  const count = imageCount(set);
  const size = count * set.height * set.width;
  const expect = (what: string, actual: number, expected: number) => {
    if (actual === expected) return;
    throw new TypeError(
      `Cannot use image set "${set.name}": need ${expected} ${what}, current count is ${actual}`,
    );
  };
  expect("pixel values", set.pixels.length, size * 3);
  expect("ids", set.ids.length, count);
  if (set.masks) expect("mask values", set.masks.length, size);
  const wrong = set.labels.find((label) => label < -1 || label >= set.classNames.length);
  if (wrong !== undefined) {
    throw new TypeError(
      `Cannot use image set "${set.name}": label ${wrong} is not one of ${set.classNames.length} classes`,
    );
  }
  return set;
}

function requireIndex(set: ImageSet, index: number): void {
  if (Number.isInteger(index) && index >= 0 && index < imageCount(set)) return;
  throw new RangeError(
    `Cannot take image ${index} of "${set.name}": it has ${imageCount(set)} images`,
  );
}

/** Rows of `length` values at `order`, joined. */
function gather(source: Uint8Array, order: readonly number[], length: number): Uint8Array {
  const out = new Uint8Array(order.length * length);
  order.forEach((from, to) =>
    out.set(source.subarray(from * length, (from + 1) * length), to * length)
  );
  return out;
}
