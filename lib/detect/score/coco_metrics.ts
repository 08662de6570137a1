/**
 * COCO's twelve metrics, for boxes and for masks, over all classes and for each; equal to
 * pycocotools'.
 */
import {
  annotationsOf,
  type CocoAnnotation,
  type CocoCategory,
  type CocoImage,
  type CocoSet,
  maskOf,
} from "lib/datasets/coco/coco_set.ts";
import { boxOverlaps, maskOverlaps } from "lib/datasets/coco/overlap.ts";
import {
  areaOf,
  checkDetections,
  type Detection,
  type Region,
  requireMask,
} from "lib/detect/inference/detection.ts";
import {
  type Candidates,
  iouThresholds,
  matchDetections,
  type Matches,
  type Size,
} from "lib/detect/score/match_detections.ts";
import {
  countObjects,
  precisionCurves,
  recallLevels,
  recalls,
} from "lib/detect/score/precision_recall.ts";

const mostDetections = 100; // per category and image: further ones do not count

/**
 * The twelve metrics in pycocotools' order.
 *
 * Average precision: the mean over overlaps of 0.5 to 0.95, then at 0.5 and at 0.75; then for
 * objects up to 32² pixels, from there to 96², and larger. Average recall: with one, ten and a
 * hundred detections per category and image; then for objects of the three sizes.
 */
export const metricNames = [
  "ap",
  "ap50",
  "ap75",
  "apSmall",
  "apMedium",
  "apLarge",
  "ar1",
  "ar10",
  "ar100",
  "arSmall",
  "arMedium",
  "arLarge",
] as const;

/** Fractions; NaN where there is no such object (pycocotools has −1). */
export type CocoMetrics = Readonly<Record<typeof metricNames[number], number>>;

/** Results for one class. */
export interface ClassEvaluation {
  readonly category: CocoCategory;
  /** Number of objects to be found, without crowds. */
  readonly objects: number;
  readonly metrics: CocoMetrics;
  /**
   * `[10, 101]`, precision by overlap ({@linkcode iouThresholds}) and recall
   * ({@linkcode recallLevels}); `undefined` if there are no objects.
   */
  readonly precision: Float64Array | undefined;
}

export interface CocoEvaluation {
  readonly region: Region;
  /** Means over the classes that have such objects. */
  readonly metrics: CocoMetrics;
  /** One entry per category of the set, in its order. */
  readonly classes: readonly ClassEvaluation[];
}

/**
 * Measures detections on all images of a set, including those without objects or detections.
 *
 * @throws {RangeError} If a detection's image or category is not in the set, or one of its numbers
 *   is not finite.
 * @throws {TypeError} If masks are measured, and a detection has none.
 */
export function evaluateDetections(
  set: CocoSet,
  detections: readonly Detection[],
  region: Region,
): CocoEvaluation {
  checkDetections(set, detections);
  const byCategory = group(detections, ({ categoryId }) => categoryId);
  const classes = set.categories.map((category) => {
    const found = group(byCategory.get(category.id) ?? [], ({ imageId }) => imageId);
    const candidates = set.images.flatMap((image) => {
      const objects = annotationsOf(set, image).filter(({ categoryId }) =>
        categoryId === category.id
      );
      const ofImage = found.get(image.id) ?? [];
      return objects.length + ofImage.length === 0
        ? []
        : [candidatesOf(image, objects, ofImage, region)];
    });
    return evaluateClass(category, candidates);
  });
  return { region, metrics: meanMetrics(classes.map(({ metrics }) => metrics)), classes };
}

function group<T>(items: readonly T[], keyOf: (item: T) => number): Map<number, T[]> {
  return Map.groupBy(items, keyOf);
}

function candidatesOf(
  image: CocoImage,
  objects: readonly CocoAnnotation[],
  detections: readonly Detection[],
  region: Region,
): Candidates {
  const surest = [...detections].sort((a, b) => b.score - a.score).slice(0, mostDetections);
  const crowd = objects.map(({ crowd }) => crowd);
  return {
    objects,
    scores: surest.map(({ score }) => score),
    areas: surest.map((detection) => areaOf(detection, region)),
    overlaps: region === "box"
      ? boxOverlaps(surest.map(({ box }) => box), objects.map(({ box }) => box), crowd)
      : maskOverlaps(surest.map(requireMask), objects.map((o) => maskOf(o, image)), crowd),
  };
}

function evaluateClass(
  category: CocoCategory,
  candidates: readonly Candidates[],
): ClassEvaluation {
  const of = (size: Size) => candidates.map((inImage) => matchDetections(inImage, size));
  const [all, small, medium, large] = [of("all"), of("small"), of("medium"), of("large")];
  const precision = precisionCurves(all);
  const at = (threshold: number) => mean(precision && curveAt(precision, threshold));
  const ap = (images: readonly Matches[]) => mean(precisionCurves(images));
  const ar = (images: readonly Matches[], most = mostDetections) => mean(recalls(images, most));
  const metrics = {
    ap: mean(precision),
    ap50: at(0.5),
    ap75: at(0.75),
    apSmall: ap(small),
    apMedium: ap(medium),
    apLarge: ap(large),
    ar1: ar(all, 1),
    ar10: ar(all, 10),
    ar100: ar(all),
    arSmall: ar(small),
    arMedium: ar(medium),
    arLarge: ar(large),
  };
  return { category, objects: countObjects(all), metrics, precision };
}

/**
 * The precision–recall curve at one overlap, for one class or as a mean over several; classes
 * without objects do not count.
 *
 * @param iou One of {@linkcode iouThresholds}.
 * @returns `[101]`, the precision at each of {@linkcode recallLevels}.
 * @throws {RangeError} If `iou` is none of the thresholds, or no class has an object.
 */
export function precisionRecallCurve(
  classes: readonly ClassEvaluation[],
  iou: number,
): Float64Array {
  const curves = classes.flatMap(({ precision }) => precision ? [curveAt(precision, iou)] : []);
  if (curves.length === 0) {
    throw new RangeError("Cannot draw precision: there is no object to find");
  }
  return Float64Array.from(recallLevels, (_, r) => mean(curves.map((curve) => curve[r]!)));
}

/**
 * Takes the row of one overlap, `[101]`, out of `[10, 101]`.
 *
 * @throws {RangeError} If `iou` is none of the thresholds.
 */
function curveAt(precision: Float64Array, iou: number): Float64Array {
  const t = iouThresholds.findIndex((threshold) => Math.abs(threshold - iou) < 1e-9);
  if (t < 0) {
    throw new RangeError(
      `Cannot read precision at an overlap of ${iou}: there are 0.5, 0.55 and so on to 0.95`,
    );
  }
  return precision.subarray(t * recallLevels.length, (t + 1) * recallLevels.length);
}

/** Mean of each metric over the classes that have it. */
function meanMetrics(classes: readonly CocoMetrics[]): CocoMetrics {
  const means = metricNames.map((name) => {
    const known = classes.map((metrics) => metrics[name]).filter((value) => !Number.isNaN(value));
    return [name, mean(known)];
  });
  return Object.fromEntries(means) as CocoMetrics;
}

/** The mean; NaN if there are no values. */
function mean(values: ArrayLike<number> = []): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
