/**
 * From the box head's outputs for regions to the objects found. R regions of an image, K classes
 * including the background.
 */
import { boxWeights, decodeBoxes } from "lib/detect/boxes/box_coder.ts";
import { type Boxes, clipBoxes, selectBoxes } from "lib/detect/boxes/boxes.ts";
import type { MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { nonMaximumSuppression } from "lib/detect/boxes/nms.ts";
import { indicesOfSides } from "lib/detect/network/proposals.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";

const leastSide = 1e-2; // pixels

/** Objects found in one image, highest score first. N objects. */
export interface FoundObjects {
  readonly boxes: Boxes; // [N, 4]
  /** `[N]`, 1 … K − 1. */
  readonly labels: Int32Array;
  /** `[N]`, 0 to 1. */
  readonly scores: Float32Array;
}

/** Outputs of the box head for one image's regions. */
export interface RegionOutputs {
  readonly scores: Float32Array; // [R, K], probabilities of the classes
  readonly deltas: Float32Array; // [R, K, 4]
}

/**
 * Selects the objects of one image.
 *
 * @param regions `[R, 4]`, in pixels.
 */
export function selectDetections(
  regions: Boxes,
  { scores, deltas }: RegionOutputs,
  { height, width }: ImageSize,
  { numClasses: K, detections: { minScore, iou, most } }: Pick<
    MaskRcnnConfig,
    "numClasses" | "detections"
  >,
): FoundObjects {
  const boxes = clipBoxes(decodeBoxes(regions, deltas, boxWeights), height, width); // [R·K, 4]
  const least = Math.fround(minScore);
  const candidateIndices = indicesOfSides(boxes, leastSide)
    .filter((i) => i % K > 0 && scores[i]! > least);
  const candidates = {
    boxes: selectBoxes(boxes, candidateIndices),
    labels: Int32Array.from(candidateIndices, (i) => i % K),
    scores: Float32Array.from(candidateIndices, (i) => scores[i]!),
  };
  const indices = nonMaximumSuppression(candidates.boxes, candidates.scores, {
    iou,
    groups: candidates.labels,
    most,
  });
  return {
    boxes: selectBoxes(candidates.boxes, indices),
    labels: Int32Array.from(indices, (i) => candidates.labels[i]!),
    scores: Float32Array.from(indices, (i) => candidates.scores[i]!),
  };
}

/** Scales boxes from the size that the network saw to the image's own. */
export function rescaleBoxes(boxes: Boxes, shown: ImageSize, original: ImageSize): Boxes {
  const [x, y] = [original.width / shown.width, original.height / shown.height];
  return boxes.map((value, i) => value * (i % 2 === 0 ? x : y));
}
