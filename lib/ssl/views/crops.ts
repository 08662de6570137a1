/**
 * DINO's multi-crop: every image becomes two large crops and some small ones, each augmented on its own
 * (Caron et al. 2021, §3.1; the order and the probabilities of its public code).
 *
 * B images in a batch, V local crops an image, G and L pixels a side.
 */
import {
  type Box,
  type ChannelStats,
  checkCrop,
  colorJitter,
  flipHorizontal,
  gaussianBlur,
  imageNetStats,
  type JitterParams,
  type JitterStrength,
  normalize,
  type NormalizeTable,
  normalizeTable,
  type Raster,
  raster,
  resizedCrop,
  sampleColorJitter,
  sampleCropBox,
  solarize,
  toGrayscale,
} from "lib/augment/mod.ts";
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { nativeViews } from "lib/native/views.ts";
import type { Rng } from "lib/rng.ts";

/** How views are made. Scales are shares of the image's area; probabilities are fractions. */
export interface CropRecipe {
  /** Pixels a side. */
  readonly globalSize: number;
  readonly globalScale: readonly [number, number];
  /** Local crops of an image; 0 is allowed. */
  readonly localCrops: number;
  /** Pixels a side. */
  readonly localSize: number;
  readonly localScale: readonly [number, number];
  readonly flip: number;
  readonly jitter: JitterStrength & { readonly probability: number };
  readonly grayscale: number;
  /** Probability of a Gaussian blur in the first global, the second global and every local crop. */
  readonly blur: readonly [number, number, number];
  /** Its standard deviation, in pixels of the crop, is uniform in this range. */
  readonly blurRadius: readonly [number, number];
  /** Probability of solarising, in the second global crop only. */
  readonly solarize: number;
  readonly stats: ChannelStats;
}

/** DINO's own numbers, for ImageNet. */
export const dinoCrops: CropRecipe = {
  globalSize: 224,
  globalScale: [0.4, 1],
  localCrops: 8,
  localSize: 96,
  localScale: [0.05, 0.4],
  flip: 0.5,
  jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, probability: 0.8 },
  grayscale: 0.2,
  blur: [1, 0.1, 0.5],
  blurRadius: [0.1, 2],
  solarize: 0.2,
  stats: imageNetStats,
};

/** Everything random about one view. */
export interface ViewParams {
  readonly box: Box;
  readonly flip: boolean;
  /** `undefined`: colours stay. */
  readonly jitter: JitterParams | undefined;
  readonly grayscale: boolean;
  /** In pixels; `undefined`: stays sharp. */
  readonly blurRadius: number | undefined;
  readonly solarize: boolean;
}

/**
 * Draws the parameters of one view.
 *
 * @param view 0 and 1 are the global crops, from 2 on the local ones.
 */
export function sampleView(
  rng: Rng,
  recipe: CropRecipe,
  view: number,
  { width, height }: { readonly width: number; readonly height: number },
): ViewParams {
  const scale = view < 2 ? recipe.globalScale : recipe.localScale;
  return {
    box: sampleCropBox(rng, width, height, { scale }),
    flip: rng.bernoulli(recipe.flip),
    jitter: rng.bernoulli(recipe.jitter.probability)
      ? sampleColorJitter(rng, recipe.jitter)
      : undefined,
    grayscale: rng.bernoulli(recipe.grayscale),
    blurRadius: rng.bernoulli(recipe.blur[Math.min(view, 2)]!)
      ? rng.uniform(...recipe.blurRadius)
      : undefined,
    solarize: view === 1 && rng.bernoulli(recipe.solarize),
  };
}

/**
 * Makes one view, in the reference's order. Parameters in, pixels out: nothing here is random.
 *
 * @param out `[size, size, 3]` from `offset` on, written.
 * @throws {RangeError} If the box is not inside the image, or `out` ends before the view does.
 */
export function applyView(
  image: Raster,
  params: ViewParams,
  size: number,
  values: NormalizeTable,
  out: Float32Array,
  offset: number,
): void {
  if (nativeViews === undefined) return applyPlainView(image, params, size, values, out, offset);
  checkCrop(image, params.box, image);
  const room = out.subarray(offset, offset + size * size * 3);
  if (room.length < size * size * 3) {
    throw new RangeError(`Cannot write a view of ${size} pixels to the last ${room.length} values`);
  }
  nativeViews.view(image, params, size, values, room);
}

/** The same to the last bit where no kernel is compiled: an op of `lib/augment` after the other. */
export function applyPlainView(
  image: Raster,
  params: ViewParams,
  size: number,
  values: NormalizeTable,
  out: Float32Array,
  offset: number,
): void {
  let crop = canvas(size, image.channels);
  resizedCrop(image, params.box, crop);
  if (params.flip) flipHorizontal(crop);
  if (params.jitter) colorJitter(crop, params.jitter);
  if (params.grayscale && crop.channels === 3) { // one channel from here on: a third of the work
    const colour = crop;
    crop = canvas(size, 1);
    toGrayscale(colour, crop);
  }
  if (params.blurRadius !== undefined) gaussianBlur(crop, params.blurRadius);
  if (params.solarize) solarize(crop);
  normalize(crop, values, out, offset);
}

/** Where crops are painted: one canvas per size and number of channels, reused by every crop. */
const canvases = new Map<number, Raster>();

function canvas(size: number, channels: 1 | 3): Raster {
  const key = size * 4 + channels;
  let found = canvases.get(key);
  if (!found) canvases.set(key, found = raster(size, size, channels));
  return found;
}

/** The views of a batch, view by view: all images of view 0, then all images of view 1, … */
export interface CropBatch {
  /** B, the number of images. */
  readonly images: number;
  /** `[2·B, G, G, 3]`, normalised. */
  readonly global: Float32Array;
  /** `[V·B, L, L, 3]`, normalised. */
  readonly local: Float32Array;
}

/**
 * Room for the views of `images` images.
 *
 * @param allocate Gives the arrays; all zeros.
 * @throws {RangeError} If the recipe cannot be followed.
 */
export function emptyCropBatch(
  images: number,
  recipe: CropRecipe,
  allocate: (length: number) => Float32Array = (length) => new Float32Array(length),
): CropBatch {
  checkRecipe(recipe);
  return {
    images,
    global: allocate(2 * images * recipe.globalSize ** 2 * 3),
    local: allocate(recipe.localCrops * images * recipe.localSize ** 2 * 3),
  };
}

/**
 * Draws the parameters of all views of an image.
 *
 * @param rng The image's own stream; view `v` draws from its fork `v`, so views do not depend on each other.
 */
export function sampleViews(
  rng: Rng,
  recipe: CropRecipe,
  size: { readonly width: number; readonly height: number },
): ViewParams[] {
  const length = 2 + recipe.localCrops;
  return Array.from({ length }, (_, view) => sampleView(rng.fork(view), recipe, view, size));
}

/**
 * Writes all views of one image into a batch.
 *
 * @param views From {@linkcode sampleViews}.
 * @param position The image's place in the batch, 0 … B − 1.
 * @param values From {@linkcode normalizeTable}, of `recipe.stats`.
 */
export function multiCrop(
  image: Raster,
  views: readonly ViewParams[],
  recipe: CropRecipe,
  out: CropBatch,
  position: number,
  values: NormalizeTable,
): void {
  views.forEach((params, view) => {
    const [size, to, index] = view < 2
      ? [recipe.globalSize, out.global, view]
      : [recipe.localSize, out.local, view - 2];
    const offset = (index * out.images + position) * size * size * 3;
    applyView(image, params, size, values, to, offset);
  });
}

/** Images ready to be cropped. N images, H × W pixels, C channels. */
export interface CropSource {
  /** For messages. */
  readonly name: string;
  /** `[N, H, W, C]` */
  readonly pixels: Uint8Array;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/**
 * A set's pixels: its own array, or, where every pixel of the set is grey, a copy with one channel, since crops of
 * those are the same to the last bit and take a third of the time.
 */
export function cropSource(set: ImageSet): CropSource {
  const { name, pixels, width, height } = set;
  const common = { name, count: imageCount(set), width, height };
  if (!isGrey(pixels)) return { ...common, pixels, channels: 3 };
  const grey = new Uint8Array(pixels.length / 3);
  for (let p = 0; p < grey.length; p++) grey[p] = pixels[3 * p]!;
  return { ...common, pixels: grey, channels: 1 };
}

function isGrey(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false;
  }
  return true;
}

/**
 * The views of the images at `indices`.
 *
 * @param rng The step's stream. A view depends on it, on its place in the batch and on its number, on nothing else.
 * @param out Reused if given, and returned.
 * @throws {RangeError} If an index is outside the set, or the recipe cannot be followed.
 * @throws {TypeError} If `out` has another size.
 */
export function cropBatch(
  source: CropSource,
  indices: ArrayLike<number>,
  recipe: CropRecipe,
  rng: Rng,
  out: CropBatch = emptyCropBatch(indices.length, recipe),
): CropBatch {
  checkRoom(out, indices.length, recipe);
  const values = normalizeTable(recipe.stats);
  for (let position = 0; position < indices.length; position++) {
    const image = imageOf(source, indices[position]!);
    const views = sampleViews(rng.fork(position), recipe, image);
    multiCrop(image, views, recipe, out, position, values);
  }
  return out;
}

/** Image `index` of a source, not copied. @throws {RangeError} If there is none. */
export function imageOf(source: CropSource, index: number): Raster {
  const { width, height, channels, count, name } = source;
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new RangeError(`Cannot crop image ${index} of "${name}": it has ${count} images`);
  }
  const length = width * height * channels;
  const data = source.pixels.subarray(index * length, (index + 1) * length);
  return { data, width, height, channels };
}

/** @throws {RangeError} If a size, scale or probability of the recipe makes no sense. */
export function checkRecipe(recipe: CropRecipe): void {
  const demand = (valid: boolean, what: string, value: unknown) => {
    if (!valid) throw new RangeError(`Cannot make crops: need ${what}, current value is ${value}`);
  };
  for (const name of ["globalSize", "localSize", "localCrops"] as const) {
    const least = name === "localCrops" ? 0 : 1;
    const valid = Number.isInteger(recipe[name]) && recipe[name] >= least;
    demand(valid, `an integer ${name} of at least ${least}`, recipe[name]);
  }
  for (const name of ["globalScale", "localScale"] as const) {
    const [low, high] = recipe[name];
    demand(low > 0 && low <= high && high <= 1, `0 < low <= high <= 1 in ${name}`, recipe[name]);
  }
  const { jitter, blur, flip, grayscale, solarize } = recipe;
  for (const p of [jitter.probability, ...blur, flip, grayscale, solarize]) {
    demand(p >= 0 && p <= 1, "probabilities between 0 and 1", p);
  }
  demand(jitter.hue >= 0 && jitter.hue <= 0.5, "a hue jitter between 0 and 0.5", jitter.hue);
  const [least, most] = recipe.blurRadius;
  demand(least >= 0 && least <= most, "0 <= low <= high in blurRadius", recipe.blurRadius);
}

function checkRoom(out: CropBatch, images: number, recipe: CropRecipe): void {
  checkRecipe(recipe);
  const need = [2 * recipe.globalSize ** 2, recipe.localCrops * recipe.localSize ** 2]
    .map((pixels) => pixels * images * 3);
  if (out.images === images && out.global.length === need[0] && out.local.length === need[1]) {
    return;
  }
  throw new TypeError(
    `Cannot write crops of ${images} images: need ${need.join(" and ")} values, ` +
      `current room is ${out.global.length} and ${out.local.length} for ${out.images}`,
  );
}
