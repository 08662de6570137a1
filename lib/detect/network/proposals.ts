/**
 * Selects the few regions that the heads use from the outputs of the region proposal network. A
 * anchors.
 */
import { decodeBoxes, proposalWeights } from "lib/detect/boxes/box_coder.ts";
import { type Boxes, clipBoxes, selectBoxes } from "lib/detect/boxes/boxes.ts";
import type { ProposalCounts, RpnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { nonMaximumSuppression } from "lib/detect/boxes/nms.ts";
import type { Anchors, RpnOutput } from "./rpn.ts";
import type { ImageSize } from "lib/detect/boxes/targets.ts";

const leastSide = 1e-3; // pixels

/**
 * Selects the proposals of each image, highest score first. No gradient flows into them, as in
 * every implementation.
 *
 * @param images Sizes without padding: proposals are cut at these edges.
 * @param counts Counts for training or for inference.
 */
export function selectProposals(
  { objectness, deltas }: RpnOutput,
  anchors: Anchors,
  images: readonly ImageSize[],
  counts: ProposalCounts,
  { iou }: Pick<RpnConfig, "iou">,
): Boxes[] {
  const [scores, differences] = [objectness.dataSync<"float32">(), deltas.dataSync<"float32">()];
  return proposalsOfBatch({ scores, deltas: differences }, anchors, images, counts, iou);
}

/** {@linkcode selectProposals} by any backend, which reads asynchronously. */
export async function selectProposalsLater(
  { objectness, deltas }: RpnOutput,
  anchors: Anchors,
  images: readonly ImageSize[],
  counts: ProposalCounts,
  { iou }: Pick<RpnConfig, "iou">,
): Promise<Boxes[]> {
  const [scores, differences] = await Promise.all([
    objectness.data<"float32">(),
    deltas.data<"float32">(),
  ]);
  return proposalsOfBatch({ scores, deltas: differences }, anchors, images, counts, iou);
}

function proposalsOfBatch(
  { scores, deltas: differences }: ImageOutput,
  anchors: Anchors,
  images: readonly ImageSize[],
  counts: ProposalCounts,
  iou: number,
): Boxes[] {
  const A = scores.length / images.length;
  return images.map((image, b) => {
    const output = {
      scores: scores.subarray(b * A, (b + 1) * A),
      deltas: differences.subarray(4 * b * A, 4 * (b + 1) * A),
    };
    return proposalsOf(output, anchors, image, counts, iou);
  });
}

/** Outputs for one image, or for several, one after another. */
interface ImageOutput {
  readonly scores: Float32Array; // [A]
  readonly deltas: Float32Array; // [A, 4]
}

function proposalsOf(
  { scores, deltas }: ImageOutput,
  anchors: Anchors,
  image: ImageSize,
  { perLevel, kept }: ProposalCounts,
  iou: number,
): Boxes {
  let start = 0;
  const proposals = anchors.perLevel.flatMap((count) => {
    const best = highestScores(scores, start, start + count, perLevel);
    start += count;
    const decoded = decodeBoxes(
      selectBoxes(anchors.boxes, best),
      selectBoxes(deltas, best),
      proposalWeights,
    );
    return suppress(decoded, best.map((i) => scores[i]!), image, { iou, most: kept });
  });
  proposals.sort((a, b) => b.score - a.score);
  return Float32Array.from(proposals.slice(0, kept).flatMap(({ box }) => [...box]));
}

/**
 * Indices from `start` to `end` of the highest scores, highest first; of equal scores, the first
 * ones.
 */
function highestScores(scores: Float32Array, start: number, end: number, most: number): number[] {
  const least = leastOfHighest(scores.slice(start, end), most);
  const [above, equal]: [number[], number[]] = [[], []];
  for (let i = start; i < end; i++) {
    if (scores[i]! > least) above.push(i);
    else if (scores[i] === least) equal.push(i);
  }
  return above.sort((a, b) => scores[b]! - scores[a]!).concat(equal).slice(0, most);
}

/**
 * The lowest score among the highest ones. Few are needed of thousands, and numbers are sorted
 * faster than indices.
 */
function leastOfHighest(scores: Float32Array, most: number): number {
  scores.sort();
  return scores[Math.max(0, scores.length - most)] ?? 0;
}

interface Proposal {
  readonly box: Boxes; // [1, 4]
  readonly score: number;
}

/**
 * Cuts one map's boxes at the image's edges, and drops those without extent and those that overlap
 * a box with a higher score.
 */
function suppress(
  boxes: Boxes,
  scores: readonly number[],
  { height, width }: ImageSize,
  options: { readonly iou: number; readonly most: number },
): Proposal[] {
  const clipped = clipBoxes(boxes, height, width);
  const indices = indicesOfSides(clipped, leastSide);
  const candidates = selectBoxes(clipped, indices);
  const candidateScores = indices.map((i) => scores[i]!);
  return nonMaximumSuppression(candidates, candidateScores, options)
    .map((i) => ({ box: candidates.subarray(4 * i, 4 * i + 4), score: candidateScores[i]! }));
}

/** Indices of the boxes whose sides both have at least this many pixels. */
export function indicesOfSides(boxes: Boxes, least: number): number[] {
  const indices: number[] = [];
  for (let i = 0; i < boxes.length; i += 4) {
    const [width, height] = [boxes[i + 2]! - boxes[i]!, boxes[i + 3]! - boxes[i + 1]!];
    if (width >= least && height >= least) indices.push(i / 4);
  }
  return indices;
}
