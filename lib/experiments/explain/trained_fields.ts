/**
 * The verb `trainedFields`: the effective receptive field of networks with different kernels,
 * before and after their training.
 *
 * S pixels a side of an image.
 */
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { centerCrops } from "lib/datasets/pictures/center_crops.ts";
import { type ImageSource, thinned } from "lib/datasets/pictures/stored_images.ts";
import { imageBatch } from "lib/eval/features/features.ts";
import {
  type ContributionMap,
  contributionSide,
  effectiveReceptiveField,
  pooledContributions,
} from "lib/explain/mod.ts";
import { familyOf } from "lib/models/mod.ts";
import { type Arm, armConfig, armName } from "lib/experiments/configs/arms.ts";
import { recipeAt, type RunKey, type ScaleName, sizesAt } from "lib/experiments/configs/config.ts";
import { openData } from "lib/experiments/configs/data.ts";
import type { AblateOptions } from "lib/experiments/pretrain/ablate.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { counter } from "lib/experiments/runs/in_turn.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";
import { findSubject, loadSubject, type Subject } from "lib/experiments/subjects/subject.ts";

/** Shares of all contributions whose squares RepLKNet measures (Ding et al. 2022, Table 10). */
export const fieldShares = [0.2, 0.3, 0.5, 0.99] as const;

/** The receptive field of one network with some weights. */
export interface FieldOfWeights {
  /** Contributions of squares of pixels, mean over seeds, the sum is 1; for pictures. */
  readonly map: ContributionMap;
  /**
   * For each of {@linkcode fieldShares}, by seed: side in pixels of the centred square that holds
   * this share of all contributions. It is measured before the pixels are added up to squares.
   */
  readonly sides: readonly (readonly number[])[];
}

/** The receptive field of an arm, before and after training. */
export interface TrainedField {
  /** Name of the arm: `BC-SSL, 9×9`. */
  readonly name: string;
  /** Side of the depthwise kernels in pixels of their maps. */
  readonly kernelSize: number;
  /** Side in pixels of the images that the network was trained on. */
  readonly trainedOn: number;
  /** Side in pixels of the images that the field is measured on; no square is larger. */
  readonly measuredOn: number;
  /** The network with the weights that its training started from. */
  readonly before: FieldOfWeights;
  /** The network with the teacher's weights after training. */
  readonly after: FieldOfWeights;
  /** Scale of all runs. */
  readonly scale: ScaleName;
  /** Seeds in the order of the values. */
  readonly seeds: readonly number[];
}

/** Scale and seeds of the runs, and how progress is shown. */
export type TrainedFieldsOptions = Pick<AblateOptions, "scale" | "seeds" | "watch">;

/**
 * Images that a field is measured on, and test images a side of each. RepLKNet takes 50 photographs
 * of 1024 pixels: more than a network is trained on, so that the field is not cut.
 */
export const mosaicSizes = {
  smoke: { images: 1, tiles: 7 },
  laptop: { images: 8, tiles: 7 },
  paper: { images: 50, tiles: 5 },
} as const satisfies Record<ScaleName, { images: number; tiles: number }>;

export const drawnSide = 60; // squares a side of a map that is kept: enough for a picture

/**
 * Measures effective receptive fields of arms before and after training, on their own test images,
 * laid side by side so that the field is not cut by an edge: how strongly each pixel influences the
 * central position of the last map. Results are kept in the run's folder.
 *
 * The numbers are RepLKNet's high-contribution area (Ding et al. 2022, Table 10): the side of the
 * centred square that holds 20, 30, 50 or 99 % of all contributions.
 *
 * Differs: RepLKNet takes the logarithm of one plus the contributions first. Its contributions have
 * an arbitrary scale; ours add up to 1 in each image, where that logarithm changes nothing.
 *
 * @returns One field per arm, in their order.
 * @throws {RangeError} If an arm has no kernel size, or there is no arm or no seed.
 * @throws {Error} If a run is not there, or the verb was interrupted: results so far are kept.
 */
export async function trainedFields(
  arms: readonly Arm[],
  { scale, seeds, watch = (_, run) => run({}) }: TrainedFieldsOptions,
): Promise<TrainedField[]> {
  if (arms.length === 0 || seeds.length === 0) {
    throw new RangeError(
      `Cannot measure fields: need an arm and a seed, current are ${arms.length} and ${seeds.length}`,
    );
  }
  const without = arms.find(({ kernelSize }) => kernelSize === undefined);
  if (without) {
    throw new RangeError(`Cannot measure the field of ${armName(without)}: it has no kernel size`);
  }
  const title = `receptive fields of ${arms.length * seeds.length} networks`;
  return await watch(title, async (hooks) => {
    const count = counter(arms.length * seeds.length, hooks);
    const fields: TrainedField[] = [];
    for (const arm of arms) {
      const config = armConfig(arm, { scale });
      const bySeed: RunField[] = [];
      for (const seed of seeds) {
        bySeed.push(await count(() => fieldOfRun({ config, scale, seed }, hooks.signal)));
      }
      fields.push({
        name: armName(arm),
        kernelSize: arm.kernelSize!,
        trainedOn: recipeAt(config, scale).crops.globalSize,
        measuredOn: bySeed[0]!.measuredOn,
        before: joinSeeds(bySeed.map(({ before }) => before)),
        after: joinSeeds(bySeed.map(({ after }) => after)),
        scale,
        seeds,
      });
    }
    return fields;
  });
}

/** A field of one seed, as the run's folder keeps it. */
export interface SavedField {
  /** `[side, side]`, little-endian 32-bit floats in base64. */
  readonly map: { readonly side: number; readonly values: string };
  /** One side in pixels for each of {@linkcode fieldShares}. */
  readonly sides: readonly number[];
}

interface RunField {
  readonly measuredOn: number;
  readonly before: SavedField;
  readonly after: SavedField;
}

/** The fields of one run, from its folder if it has them. */
async function fieldOfRun(key: RunKey, signal: AbortSignal | undefined): Promise<RunField> {
  const { folder, version } = findSubject(key, "teacher");
  const options = { version, ...mosaicSizes[key.scale], shares: fieldShares, drawnSide };
  return await evaluated(folder, { name: "receptive_field", options, fresh: false }, async () => {
    const pause = interruptible(`the receptive field of ${folder.id}`, signal);
    const images = await mosaics(key);
    return {
      measuredOn: images.width,
      before: await measureField(key, "init", images, pause),
      after: await measureField(key, "teacher", images, pause),
    };
  });
}

/**
 * Measures the field of a network of a run, mean over images.
 *
 * @param images As {@linkcode mosaics} makes them.
 * @param pause Awaited after each image; what it throws ends the measurement.
 */
export async function measureField(
  key: RunKey,
  of: Subject,
  images: ImageSet,
  pause: () => Promise<void>,
): Promise<SavedField> {
  const { stats } = recipeAt(key.config, key.scale).crops;
  using model = await loadSubject(key, of, findSubject(key, of));
  const sum = new Float64Array(images.width ** 2);
  for (let i = 0; i < imageCount(images); i++) {
    const x = imageBatch(images, i, i + 1, stats);
    try {
      const { values } = await effectiveReceptiveField(model, x);
      values.forEach((value, p) => sum[p]! += value);
    } finally {
      x.dispose();
    }
    await pause();
  }
  const map = { side: images.width, values: sum.map((value) => value / imageCount(images)) };
  const { side, values } = pooledContributions(map, drawnSide);
  return {
    map: { side, values: new Uint8Array(Float32Array.from(values).buffer).toBase64() },
    sides: fieldShares.map((share) => contributionSide(map, share)),
  };
}

/** The mean of the maps, and the sides of all. */
export function joinSeeds(fields: readonly SavedField[]): FieldOfWeights {
  const { side } = fields[0]!.map;
  const values = new Float64Array(side * side);
  for (const { map } of fields) {
    new Float32Array(Uint8Array.fromBase64(map.values).buffer).forEach((value, p) =>
      values[p]! += value / fields.length
    );
  }
  const sides = fieldShares.map((_, i) => fields.map((field) => field.sides[i]!));
  return { map: { side, values }, sides };
}

/**
 * Test images of a run, laid side by side in squares that are larger than what a network sees in
 * training. Their side is an odd number of positions of the last map, so that the central position
 * lies in the middle.
 */
export async function mosaics({ config, scale }: RunKey): Promise<ImageSet> {
  const { model, crops: { globalSize: size } } = recipeAt(config, scale);
  const { images, tiles } = mosaicSizes[scale];
  const { test } = await openData(config.data, sizesAt(config, scale));
  const { stride } = familyOf(model).stages(model).at(-1)!;
  const positions = Math.floor((tiles * size / stride - 1) / 2) * 2 + 1;
  const small = await pixelsOf(thinned<ImageSource>(test, images * tiles * tiles), size);
  return mosaicOf(small, { size, images, tiles, side: positions * stride });
}

/** The pixels of images, each `[size, size, 3]`, decoded where they are in files. */
async function pixelsOf(source: ImageSource, size: number): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  const length = size * size * 3;
  for await (const { pixels } of centerCrops(source, { size })) {
    for (let from = 0; from < pixels.length; from += length) {
      all.push(pixels.subarray(from, from + length));
    }
  }
  return all;
}

/**
 * Lays images side by side and cuts the middle out.
 *
 * @param small Images `[size, size, 3]`; they are repeated if there are too few.
 * @returns `images` images of `side` pixels a side.
 */
export function mosaicOf(
  small: readonly Uint8Array[],
  { size, images, tiles, side }: {
    readonly size: number;
    readonly images: number;
    readonly tiles: number;
    readonly side: number;
  },
): ImageSet {
  const pixels = new Uint8Array(images * side * side * 3);
  const cut = (tiles * size - side) >> 1;
  for (let i = 0, to = 0; i < images; i++) {
    for (let y = cut; y < cut + side; y++) {
      for (let x = cut; x < cut + side; x++, to += 3) {
        const tile = Math.floor(y / size) * tiles + Math.floor(x / size);
        const image = small[(i * tiles * tiles + tile) % small.length]!;
        const from = ((y % size) * size + x % size) * 3;
        for (let c = 0; c < 3; c++) pixels[to + c] = image[from + c]!;
      }
    }
  }
  return {
    name: "test images side by side",
    width: side,
    height: side,
    pixels,
    labels: new Int32Array(images).fill(-1),
    classNames: [],
    ids: Array.from({ length: images }, (_, i) => `${i}`),
  };
}
