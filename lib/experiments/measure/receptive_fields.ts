/** The verb `receptiveFields`: the effective receptive field of fresh networks by kernel size. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import {
  type ContributionMap,
  contributionSide,
  effectiveReceptiveField,
} from "lib/explain/effective_receptive_field.ts";
import { bcSslConfig, type ConvNeXtSize, createModel, type Model } from "lib/models/mod.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { type ScaleName, scaleNames } from "lib/experiments/configs/config.ts";

/** The receptive field of a network with one kernel size. */
export interface FieldOfKernel {
  /** Side of the depthwise kernels in pixels. */
  readonly kernelSize: number;
  /** Contributions of the pixels, added over all images. */
  readonly map: ContributionMap;
  /** Side in pixels of the centred square that holds half of all contributions. */
  readonly half: number;
  /** Side in pixels of the square that holds nine tenths. */
  readonly most: number;
}

const sizes = {
  smoke: { size: "atto", imageSize: 96, images: 1 },
  laptop: { size: "tiny", imageSize: 512, images: 2 },
  paper: { size: "tiny", imageSize: 1024, images: 50 }, // as RepLKNet measures
} as const satisfies Record<
  ScaleName,
  { size: ConvNeXtSize; imageSize: number; images: number }
>;

/**
 * Measures effective receptive fields of a BC-SSL with fresh weights on noise (Luo et al. 2016,
 * §3), so that only the architecture differs. Layer scale is 1: at the usual 1e-6 the blocks of a
 * fresh network contribute nothing.
 *
 * @throws {RangeError} If the scale is unknown or a kernel size is even.
 *
 * @example
 * ```ts
 * import { receptiveFields } from "lib/experiments/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const [small, large] = await receptiveFields([3, 9], { scale: "smoke", seed: 0 });
 * assertTrue(large!.half > small!.half, "larger kernels see further");
 * ```
 */
export async function receptiveFields(
  kernelSizes: readonly number[],
  { scale, seed }: { readonly scale: ScaleName; readonly seed: number },
): Promise<readonly FieldOfKernel[]> {
  const wanted = sizes[scale];
  if (!wanted) throw new RangeError(`Unknown scale "${scale}": use ${scaleNames.join(", ")}`);
  const fields: FieldOfKernel[] = [];
  for (const kernelSize of kernelSizes) {
    fields.push(await fieldOf(kernelSize, wanted, seed));
    // lets an interrupt be received between two networks
    await new Promise((resolve) => setTimeout(resolve));
  }
  return fields;
}

async function fieldOf(
  kernelSize: number,
  { size, ...noise }: typeof sizes[ScaleName],
  seed: number,
): Promise<FieldOfKernel> {
  const config = { ...bcSslConfig(size, { kernelSize }), layerScaleInit: 1 };
  const model = createModel(config, createRng(seed).fork("init"));
  try {
    return await fieldOnNoise(model, kernelSize, noise, seed);
  } finally {
    disposeTree(model.params);
  }
}

async function fieldOnNoise(
  model: Model,
  kernelSize: number,
  { imageSize, images }: { readonly imageSize: number; readonly images: number },
  seed: number,
): Promise<FieldOfKernel> {
  const noise = createRng(seed).fork("noise");
  const pixels = new Float32Array(images * imageSize ** 2 * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = noise.normal();
  const x = tf.tensor4d(pixels, [images, imageSize, imageSize, 3]);
  try {
    const map = await effectiveReceptiveField(model, x);
    return { kernelSize, map, half: contributionSide(map, 0.5), most: contributionSide(map, 0.9) };
  } finally {
    x.dispose();
  }
}
