/**
 * Mask R-CNN (He et al. 2017) on any backbone with stages, with torchvision's layers and names. The
 * paper fine-tunes this detector on COCO (§4.2).
 *
 * B images, H × W pixels including the padding of the batch.
 */
import * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { Boxes } from "lib/detect/boxes/boxes.ts";
import { type BoxHeadParams, createBoxHead, runBoxHead } from "./box_head.ts";
import { type BoxLosses, boxLosses } from "./box_losses.ts";
import {
  createDetectorBackbone,
  type DetectorBackboneParams,
  detectorMaps,
  finestStride,
} from "./detector_backbone.ts";
import { createMaskHead, type MaskHeadParams, maskLoss, runMaskHead } from "./mask_head.ts";
import type { MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { maskRcnnNames } from "./mask_rcnn_names.ts";
import { maskTargets } from "./mask_targets.ts";
import { selectProposals, selectProposalsLater } from "./proposals.ts";
import { cutRegions } from "./pyramid_regions.ts";
import { type RegionSample, sampleRegions } from "./region_samples.ts";
import {
  type Anchors,
  createRpn,
  pyramidAnchors,
  type RpnOutput,
  type RpnParams,
  runRpn,
} from "./rpn.ts";
import { type RpnLosses, rpnLosses } from "./rpn_losses.ts";
import type { DetectionTargets } from "lib/detect/boxes/targets.ts";
import type { Model } from "lib/models/mod.ts";
import type { ForwardOptions } from "lib/models/parts/backbone.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";

/** Weights. Paths are torchvision's names; below `backbone.body` they are the backbone's own. */
export interface MaskRcnnParams {
  readonly backbone: DetectorBackboneParams;
  readonly rpn: RpnParams;
  readonly roi_heads: BoxHeadParams & MaskHeadParams;
}

export interface MaskRcnn {
  readonly config: MaskRcnnConfig;
  readonly params: MaskRcnnParams;
  /** The backbone alone, with the same variables: for loading pre-trained weights into it. */
  readonly body: Model;
  /** Names of the weights in older files of torchvision, such as its own pre-trained detectors. */
  officialNames(names: readonly string[]): ReadonlyMap<string, string>;
  /** Frees the weights. */
  [Symbol.dispose](): void;
}

/**
 * Creates a detector with fresh weights.
 *
 * @throws {RangeError} If the backbone has one resolution only, its BatchNorms are to be frozen
 *   while it drops paths, or maps have different numbers of anchors at a position.
 * @throws {TypeError} If an option of the backbone is unknown or missing.
 */
export function createMaskRcnn(config: MaskRcnnConfig, rng: Rng): MaskRcnn {
  const { fpnDim, numClasses, rpn, box, mask } = config;
  const { body, params: backbone } = createDetectorBackbone(config, rng.fork("backbone"));
  const heads = rng.fork("roi_heads");
  const params = {
    backbone,
    rpn: createRpn(fpnDim, rpn, rng.fork("rpn")),
    roi_heads: {
      ...createBoxHead(fpnDim, box, numClasses, heads),
      ...createMaskHead(fpnDim, mask, numClasses, heads),
    },
  };
  return {
    config,
    params,
    body,
    officialNames: maskRcnnNames,
    [Symbol.dispose]: () => disposeTree(params),
  };
}

/** A batch of images with their targets. */
export interface DetectionBatch {
  /** `[B, H, W, 3]`, normalised; each image at the top left, zeros to its right and below. */
  readonly pixels: tf.Tensor4D;
  /** Targets of each image. */
  readonly targets: readonly DetectionTargets[];
}

/** Losses; training minimises their sum. */
export interface MaskRcnnLosses extends RpnLosses, BoxLosses {
  /** Mean cross-entropy of the pixels of the objects' masks, in nats. */
  readonly mask: tf.Scalar;
}

/**
 * Computes the losses of a batch, to be differentiated. It updates the statistics of the backbone's
 * BatchNorms, unless they are frozen.
 *
 * @param rng The step's random stream, for stochastic depth and for sampling.
 * @returns The caller owns the tensors.
 * @throws {RangeError} If the number of targets is not the number of images.
 */
export function maskRcnnLosses(
  model: MaskRcnn,
  { pixels, targets }: DetectionBatch,
  rng: Rng,
  { precision, proposals: given }: LossOptions = {},
): MaskRcnnLosses {
  requireEach(pixels, targets.length, "targets");
  const { config, params } = model;
  return tf.tidy(() => {
    const options = { training: true, rng: rng.fork("backbone"), precision };
    const maps = detectorMaps(pixels, backboneOf(model), config, options);
    const rpnOutput = runRpn(maps, params.rpn);
    const anchors = pyramidAnchors(maps, sidesOf(pixels), config.rpn);
    const proposalLosses = rpnLosses(
      rpnOutput,
      anchors,
      targets.map(({ boxes }) => boxes),
      config.rpn,
      rng.fork("rpn"),
    );
    const proposals = given ??
      selectProposals(rpnOutput, anchors, targets, config.rpn.training, config.rpn);
    return {
      ...proposalLosses,
      ...headLosses(model, maps, proposals, targets, rng.fork("regions")),
    };
  });
}

export interface LossOptions extends Pick<ForwardOptions, "precision"> {
  /**
   * The regions that the heads learn from, of each image ({@linkcode proposeRegions}). By default
   * the network proposes them, which needs a backend that is read synchronously.
   */
  readonly proposals?: readonly Boxes[];
}

/**
 * The regions that {@linkcode maskRcnnLosses} of the same batch and stream proposes, by any backend:
 * one more forward pass without gradients, of which the scores are read. The network stays as it is.
 */
export async function proposeRegions(
  model: MaskRcnn,
  { pixels, targets }: DetectionBatch,
  rng: Rng,
): Promise<Boxes[]> {
  const { config, params, body } = model;
  const buffers = namedVariables(body.params).values().filter(({ trainable }) => !trainable);
  const before = [...buffers].map((buffer) => [buffer, buffer.clone()] as const);
  const { anchors, objectness, deltas } = tf.tidy(() => {
    const options = { training: true, rng: rng.fork("backbone") };
    const maps = detectorMaps(pixels, backboneOf(model), config, options);
    const anchors = pyramidAnchors(maps, sidesOf(pixels), config.rpn);
    return { anchors, ...runRpn(maps, params.rpn) } as unknown as tf.TensorContainer;
  }) as unknown as RpnOutput & { readonly anchors: Anchors };
  for (const [buffer, old] of before) {
    buffer.assign(old);
    old.dispose();
  }
  const { training } = config.rpn;
  return await selectProposalsLater({ objectness, deltas }, anchors, targets, training, config.rpn)
    .finally(() => tf.dispose([objectness, deltas]));
}

function headLosses(
  { config, params: { roi_heads } }: MaskRcnn,
  maps: readonly tf.Tensor4D[],
  proposals: readonly Boxes[],
  targets: readonly DetectionTargets[],
  rng: Rng,
): BoxLosses & Pick<MaskRcnnLosses, "mask"> {
  const samples = proposals.map((boxes, b) =>
    sampleRegions(boxes, targets[b]!, config.box, rng.fork(b))
  );
  const how = { ...config.regions, stride: finestStride(config.backbone) };
  const regions = cutRegions(
    maps,
    samples.map(({ boxes }) => boxes),
    config.box.size,
    how,
  );
  const regionLosses = boxLosses(runBoxHead(regions, roi_heads), samples, config.box);
  const objects = samples.map((sample) => sample.boxes.subarray(0, 4 * sample.objects.length));
  const labels = samples.flatMap((sample) => [...sample.labels.subarray(0, sample.objects.length)]);
  if (labels.length === 0) return { ...regionLosses, mask: tf.scalar(0) };
  const maskRegions = cutRegions(maps, objects, config.mask.size, how);
  const logits = runMaskHead(maskRegions, labels, roi_heads);
  return { ...regionLosses, mask: maskLoss(logits, batchMaskTargets(samples, targets, config)) };
}

/** Target masks of all regions with objects, image by image, `[R, 2S, 2S]`. */
function batchMaskTargets(
  samples: readonly RegionSample[],
  targets: readonly DetectionTargets[],
  { mask, regions: { aligned } }: MaskRcnnConfig,
): Float32Array {
  const options = { size: 2 * mask.size, aligned, binary: mask.binaryTargets };
  const all = samples.map(({ boxes, objects }, b) =>
    maskTargets(targets[b]!.masks, targets[b]!, boxes, objects, options)
  );
  const joined = new Float32Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of all) {
    joined.set(values, at);
    at += values.length;
  }
  return joined;
}

/** The part of a model that `detectorMaps` needs. */
export function backboneOf({ body, params }: MaskRcnn) {
  return { body, params: params.backbone };
}

/** Size of a batch's images, including the padding. */
export function sidesOf({ shape: [, height, width] }: tf.Tensor4D) {
  return { height, width };
}

/**
 * Checks that a list has one entry per image.
 *
 * @throws {RangeError} If the list has another length.
 */
export function requireEach(pixels: tf.Tensor4D, count: number, what: string): void {
  if (count === pixels.shape[0]) return;
  throw new RangeError(
    `Cannot use a batch of ${
      pixels.shape[0]
    } images: need ${what} of each, current are of ${count}`,
  );
}
