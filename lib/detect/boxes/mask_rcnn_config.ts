/** What a Mask R-CNN is made of, and by which rules it learns. */
import type { AnchorShapes } from "lib/detect/boxes/anchors.ts";
import type { MatchRule } from "lib/detect/boxes/match_boxes.ts";
import type { RoiAlignOptions } from "lib/detect/boxes/roi_align.ts";
import type { ModelConfig } from "lib/models/mod.ts";

export interface MaskRcnnConfig {
  /** Its drop path is the one of training the detector. */
  readonly backbone: ModelConfig;
  /** With the background, which is class 0. */
  readonly numClasses: number;
  /** Keeps scale, shift and statistics of the backbone's BatchNorms as they were pre-trained, as of a ResNet is usual. */
  readonly freezeBatchNorm: boolean;
  /** Channels of the pyramid's maps. */
  readonly fpnDim: number;
  readonly rpn: RpnConfig;
  readonly regions: RegionConfig;
  readonly box: BoxHeadConfig;
  readonly mask: MaskHeadConfig;
  readonly detections: DetectionsConfig;
}

/** How many boxes of an image a loss looks at. */
export interface SampleConfig {
  readonly count: number;
  /** Objects at most; the rest is background. */
  readonly objectFraction: number;
}

/** The region proposal network (Ren et al. 2015). */
export interface RpnConfig {
  /** Of each map of the pyramid, P2 to P6, as many at a place for all. */
  readonly anchors: readonly AnchorShapes[];
  readonly match: MatchRule;
  readonly samples: SampleConfig;
  /** Where the loss of boxes turns from square to linear; 0 is linear throughout. */
  readonly smoothL1Beta: number;
  readonly training: ProposalCounts;
  readonly inference: ProposalCounts;
  /** Of two proposals of a map that overlap by more, the less sure is dropped. */
  readonly iou: number;
}

/** Proposals of an image. */
export interface ProposalCounts {
  /** The surest of each map, before overlaps are dropped. */
  readonly perLevel: number;
  /** The surest of all, after. */
  readonly kept: number;
}

/** How proposals are cut out of the pyramid. */
export interface RegionConfig extends Pick<RoiAlignOptions, "samplingRatio" | "aligned"> {
  /** √area in pixels of a box that is cut out of P4; half of it is P3's. */
  readonly canonicalSize: number;
}

/** The head that tells classes and mends boxes. */
export interface BoxHeadConfig {
  /** Pixels a side of its regions. */
  readonly size: number;
  /** Width of its two hidden layers. */
  readonly dim: number;
  readonly match: MatchRule;
  readonly samples: SampleConfig;
  /** As the RPN's. */
  readonly smoothL1Beta: number;
}

/** The head that draws masks. */
export interface MaskHeadConfig {
  /** Pixels a side of its regions; masks have twice as many. */
  readonly size: number;
  /** Channels of each of its 3×3 convolutions. */
  readonly dims: readonly number[];
  /** Whether targets are 0 and 1, as in detectron2 and mmdet; in torchvision they are the part of a pixel that is covered. */
  readonly binaryTargets: boolean;
}

/** What is given out of an image. */
export interface DetectionsConfig {
  /** Least score. */
  readonly minScore: number;
  /** Of two of a class that overlap by more, the less sure is dropped. */
  readonly iou: number;
  readonly most: number;
}

/**
 * torchvision's `maskrcnn_resnet50_fpn`, on any backbone.
 *
 * Differs: torchvision also keeps stem and first layer of a pre-trained ResNet as they are.
 */
export function torchvisionMaskRcnn(backbone: ModelConfig, numClasses: number): MaskRcnnConfig {
  return {
    backbone,
    numClasses,
    freezeBatchNorm: backbone.arch === "resnet",
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
 * The paper's (§4.2), which is ConvNeXt's: mmdet's Mask R-CNN. The backbone to give it drops paths at 0.4, and its layer scale starts
 * at 1.
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

/** One size a map, from 32 pixels on P2 to 512 on P6, in three shapes. */
function anchorLevels(rounded: boolean): AnchorShapes[] {
  return [32, 64, 128, 256, 512].map((size) => ({ sizes: [size], ratios: [0.5, 1, 2], rounded }));
}
