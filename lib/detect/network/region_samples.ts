/** Regions that the heads learn from. */
import type { Rng } from "lib/rng.ts";
import { boxWeights, encodeBoxes } from "lib/detect/boxes/box_coder.ts";
import { type Boxes, selectBoxes } from "lib/detect/boxes/boxes.ts";
import type { BoxHeadConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { matchBoxes } from "lib/detect/boxes/match_boxes.ts";
import { sampleMatches } from "lib/detect/boxes/sampling.ts";
import type { DetectionTargets } from "lib/detect/boxes/targets.ts";

/** Regions of one image, those with objects first. N regions, P with objects. */
export interface RegionSample {
  readonly boxes: Boxes; // [N, 4]
  /** `[N]`, 0 is background. */
  readonly labels: Int32Array;
  /** `[P]`, the index of each region's object. */
  readonly objects: Int32Array;
  /** `[P, 4]`, encoded difference from each region to its object's box. */
  readonly deltas: Float32Array;
}

/**
 * Draws regions of one image.
 *
 * @param proposals `[., 4]`; the objects' own boxes are added, so that there are objects to learn
 *   from the first step on.
 */
export function sampleRegions(
  proposals: Boxes,
  { boxes: objectBoxes, labels }: Pick<DetectionTargets, "boxes" | "labels">,
  { match, samples }: Pick<BoxHeadConfig, "match" | "samples">,
  rng: Rng,
): RegionSample {
  const candidates = new Float32Array(proposals.length + objectBoxes.length);
  candidates.set(proposals);
  candidates.set(objectBoxes, proposals.length);
  const matches = matchBoxes(objectBoxes, candidates, match);
  const sample = sampleMatches(matches, samples, rng);
  const indices = [...sample.objects, ...sample.background];
  const boxes = selectBoxes(candidates, indices);
  const objects = sample.objects.map((i) => matches[i]!);
  const regionLabels = new Int32Array(indices.length); // 0 is background
  regionLabels.set(objects.map((object) => labels[object]!));
  return {
    boxes,
    labels: regionLabels,
    objects,
    deltas: encodeBoxes(
      boxes.subarray(0, 4 * objects.length),
      selectBoxes(objectBoxes, objects),
      boxWeights,
    ),
  };
}
