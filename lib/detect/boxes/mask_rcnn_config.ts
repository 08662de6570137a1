/** Configuration of a Mask R-CNN: its parts, and the rules by which it learns. */
import type { AnchorShapes } from "lib/detect/boxes/anchors.ts";
import type { MatchRule } from "lib/detect/boxes/match_boxes.ts";
import type { RoiAlignOptions } from "lib/detect/boxes/roi_align.ts";
import { configFactsOf } from "lib/models/family_configs.ts";
import type { ModelConfig } from "lib/models/mod.ts";

/** A Mask R-CNN as data. */
export interface MaskRcnnConfig {
  /** Its drop path is the one of training the detector. */
  readonly backbone: ModelConfig;
  /** Number of classes, including the background, which is class 0. */
  readonly numClasses: number;
  /**
   * Whether scale, shift and statistics of the backbone's BatchNorms stay as they were pre-trained,
   * which is usual for a ResNet.
   */
  readonly freezeBatchNorm: boolean;
  /** Channels of the pyramid's maps. */
  readonly fpnDim: number;
  /** The region proposal network. */
  readonly rpn: RpnConfig;
  /** How regions are cut out of the pyramid. */
  readonly regions: RegionConfig;
  /** The head that classifies regions and corrects their boxes. */
  readonly box: BoxHeadConfig;
  /** The head that predicts masks. */
  readonly mask: MaskHeadConfig;
  /** Which detections are returned. */
  readonly detections: DetectionsConfig;
}

/** How many boxes of an image a loss uses. */
export interface SampleConfig {
  /** Boxes of an image in the loss, at most. */
  readonly count: number;
  /** Largest share of objects; the rest is background. */
  readonly objectFraction: number;
}

/** The region proposal network (Ren et al. 2015). */
export interface RpnConfig {
  /** Anchors of each map of the pyramid, P2 to P6; all maps have the same number at a position. */
  readonly anchors: readonly AnchorShapes[];
  /** Overlaps that decide which object an anchor learns. */
  readonly match: MatchRule;
  /** Anchors that the loss uses. */
  readonly samples: SampleConfig;
  /**
   * Difference at which the loss of boxes changes from square to linear; 0 is linear everywhere.
   */
  readonly smoothL1Beta: number;
  /** Numbers of proposals in training. */
  readonly training: ProposalCounts;
  /** Numbers of proposals in evaluation. */
  readonly inference: ProposalCounts;
  /** If two proposals of one map overlap by more, the one with the lower score is dropped. */
  readonly iou: number;
}

/** Numbers of proposals per image. */
export interface ProposalCounts {
  /** Proposals of each map with the highest scores, before overlaps are dropped. */
  readonly perLevel: number;
  /** Proposals of all maps with the highest scores, after overlaps are dropped. */
  readonly kept: number;
}

/** How regions are cut out of the pyramid. */
export interface RegionConfig extends Pick<RoiAlignOptions, "samplingRatio" | "aligned"> {
  /** Square root of the area, in pixels, of a box that belongs to P4; half of it belongs to P3. */
  readonly canonicalSize: number;
}

/** The head that classifies regions and corrects their boxes. */
export interface BoxHeadConfig {
  /** Side of its regions in pixels. */
  readonly size: number;
  /** Width of its two hidden layers. */
  readonly dim: number;
  /** Overlaps that decide which object a region learns. */
  readonly match: MatchRule;
  /** Regions that the loss uses. */
  readonly samples: SampleConfig;
  /** Like the RPN's. */
  readonly smoothL1Beta: number;
}

/** The head that predicts masks. */
export interface MaskHeadConfig {
  /** Side of its regions in pixels; masks have twice as many. */
  readonly size: number;
  /** Output channels of each of its 3×3 convolutions. */
  readonly dims: readonly number[];
  /**
   * Whether targets are 0 or 1, as in detectron2 and mmdet; in torchvision they are the covered
   * share of a pixel.
   */
  readonly binaryTargets: boolean;
}

/** Which detections of an image are returned. */
export interface DetectionsConfig {
  /** Lowest score that is returned. */
  readonly minScore: number;
  /** If two detections of one class overlap by more, the one with the lower score is dropped. */
  readonly iou: number;
  /** Detections of an image, at most. */
  readonly most: number;
}

/**
 * torchvision's `maskrcnn_resnet50_fpn`, on any backbone.
 *
 * Differs: torchvision also freezes the stem and the first layer of a pre-trained ResNet.
 */
export function torchvisionMaskRcnn(backbone: ModelConfig, numClasses: number): MaskRcnnConfig {
  return {
    backbone,
    numClasses,
    freezeBatchNorm: configFactsOf(backbone).detector.frozenBatchNorm,
    fpnDim: 256,
    rpn: {
      anchors: anchorLevels(true),
      match: { high: 0.7, low: 0.3, allowLowQuality: true },
      samples: { count: 256, objectFraction: 0.5 },
      smoothL1Beta: 1 / 9,
      training: { perLevel: 2000, kept: 2000 },
      inference: { perLevel: 1000, kept: 1000 },
      iou: 0.7,
    },
    regions: { samplingRatio: 2, aligned: false, canonicalSize: 224 },
    box: {
      size: 7,
      dim: 1024,
      match: { high: 0.5, low: 0.5, allowLowQuality: false },
      samples: { count: 512, objectFraction: 0.25 },
      smoothL1Beta: 1 / 9,
    },
    mask: { size: 14, dims: [256, 256, 256, 256], binaryTargets: false },
    detections: { minScore: 0.05, iou: 0.5, most: 100 },
  };
}

/**
 * The paper's detector (§4.2), which is ConvNeXt's: mmdet's Mask R-CNN. Give it a backbone with a
 * drop path rate of 0.4 and a layer scale that starts at 1.
 */
export function convNeXtMaskRcnn(backbone: ModelConfig, numClasses: number): MaskRcnnConfig {
  const { rpn, box, mask, ...rest } = torchvisionMaskRcnn(backbone, numClasses);
  return {
    ...rest,
    freezeBatchNorm: false,
    rpn: {
      ...rpn,
      anchors: anchorLevels(false),
      smoothL1Beta: 0,
      training: { perLevel: 2000, kept: 1000 },
    },
    regions: { samplingRatio: 0, aligned: true, canonicalSize: 224 },
    box: { ...box, match: { ...box.match, allowLowQuality: true }, smoothL1Beta: 0 },
    mask: { ...mask, binaryTargets: true },
  };
}

/** One size per map, from 32 pixels on P2 to 512 on P6, in three shapes. */
function anchorLevels(rounded: boolean): AnchorShapes[] {
  return [32, 64, 128, 256, 512].map((size) => ({ sizes: [size], ratios: [0.5, 1, 2], rounded }));
}
