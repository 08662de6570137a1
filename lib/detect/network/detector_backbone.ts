/**
 * Runs a backbone for a detector: takes its maps, normalises them in the families whose detectors
 * do so, and makes a feature pyramid of them.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import { createFpn, featurePyramid, type FpnParams } from "./fpn.ts";
import type { MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { createModel, familyOf, type Model, type ModelConfig } from "lib/models/mod.ts";
import type { ForwardOptions } from "lib/models/parts/backbone.ts";
import { createLayerNorm, layerNorm, type LayerNormParams } from "lib/nn/norms.ts";
import { namedVariables } from "lib/nn/parameters.ts";

const eps = 1e-6; // epsilon of the norms of the maps, as in ConvNeXt's detectors

/**
 * Weights. `body` has all weights of the backbone's own files, also the last norm of its features,
 * which no map passes through.
 */
export interface DetectorBackboneParams {
  readonly body: object;
  /** Norm of each stage's map. */
  readonly [norm: `norm${number}`]: LayerNormParams;
  readonly fpn: FpnParams;
}

export interface DetectorBackbone {
  readonly body: Model;
  readonly params: DetectorBackboneParams;
}

type BackboneConfig = Pick<MaskRcnnConfig, "backbone" | "freezeBatchNorm" | "fpnDim">;

/**
 * Builds backbone and pyramid.
 *
 * @throws {RangeError} If the backbone has one resolution only, or drops paths while its BatchNorms
 *   are frozen: it would then run as in evaluation.
 */
export function createDetectorBackbone(
  { backbone, freezeBatchNorm, fpnDim }: BackboneConfig,
  rng: Rng,
): DetectorBackbone {
  const dims = stageDims(backbone);
  if (freezeBatchNorm && "dropPathRate" in backbone && backbone.dropPathRate > 0) {
    throw new RangeError(
      `Cannot freeze BatchNorm of a backbone that drops paths: need dropPathRate 0, current is ${backbone.dropPathRate}`,
    );
  }
  const body = createModel(backbone, rng.fork("body"));
  if (freezeBatchNorm) freezeNorms(body.params);
  const norms = familyOf(backbone).detector.normedMaps ? dims.map(createLayerNorm) : [];
  const fpn = createFpn(dims, fpnDim, rng.fork("fpn"));
  const named = Object.fromEntries(norms.map((norm, i) => [`norm${i}`, norm]));
  return { body, params: { body: body.params, ...named, fpn } };
}

/**
 * Returns the channels of each stage's map.
 *
 * @throws {RangeError} If there is one stage only.
 */
function stageDims(config: ModelConfig): readonly number[] {
  const stages = familyOf(config).stages(config);
  if (stages.length > 1) return stages.map(({ dim }) => dim);
  throw new RangeError(
    `Cannot build a feature pyramid on "${config.arch}": it has one resolution only; ` +
      `use a network of several stages, such as convnext, resnet or swin`,
  );
}

/** Pixels of the image per position of the pyramid's finest map. */
export function finestStride(config: ModelConfig): number {
  return familyOf(config).stages(config)[0]!.stride;
}

/** Makes scale and shift of every BatchNorm constants. */
function freezeNorms(params: object): void {
  const variables = namedVariables(params);
  for (const name of variables.keys()) {
    if (!name.endsWith(".running_mean")) continue;
    const norm = name.slice(0, -"running_mean".length);
    for (const leaf of ["weight", "bias"]) variables.get(norm + leaf)!.trainable = false;
  }
}

/**
 * Computes the feature pyramid of images.
 *
 * @param pixels `[B, H, W, 3]`, normalised.
 * @returns P2 to P6, each `[B, H, W, fpnDim]`; the caller owns them.
 */
export function detectorMaps(
  pixels: tf.Tensor4D,
  { body, params }: DetectorBackbone,
  { freezeBatchNorm }: Pick<MaskRcnnConfig, "freezeBatchNorm">,
  options: ForwardOptions,
): tf.Tensor4D[] {
  return tf.tidy(() => {
    const training = options.training && !freezeBatchNorm;
    const { stages } = body.forward(pixels, { ...options, training });
    const maps = stages.map((map, i) => {
      const norm = params[`norm${i}`];
      return norm ? layerNorm(map, norm, eps) : map;
    });
    return featurePyramid(maps, params.fpn);
  });
}
