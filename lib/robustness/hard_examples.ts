/**
 * Hard images that a network gets wrong, chosen as for ImageNet-A (Hendrycks et al. 2021, §3.1).
 */
import { imageCount, type ImageSet, subset } from "lib/datasets/pictures/images.ts";
import { bestClass, type Classifier, scoresOf } from "lib/robustness/classifier.ts";

/**
 * Selects the images that the network misses and whose class it gives at most 15 % probability, so
 * that it is wrong by a margin.
 *
 * Differs: for ImageNet-A, two ResNets were asked, and people removed ambiguous images.
 *
 * @param classify A ResNet's logits; not one of the networks to be tested.
 * @param options.mostLikely Probability above which an image is not hard, a fraction.
 * @throws {RangeError} If an image is unlabelled, or none is hard.
 */
export async function hardExamples(
  candidates: ImageSet,
  classify: Classifier,
  { mostLikely = 0.15 }: { readonly mostLikely?: number } = {},
): Promise<ImageSet> {
  const logits = await scoresOf(classify, candidates);
  const classes = logits.length / imageCount(candidates);
  const hard: number[] = [];
  candidates.labels.forEach((label, i) => {
    if (label < 0 || label >= classes) {
      throw new RangeError(
        `Cannot choose hard images of "${candidates.name}": the class of ${candidates.ids[i]} is ` +
          `${label}, the network knows 0 to ${classes - 1}`,
      );
    }
    const own = logits.subarray(i * classes, (i + 1) * classes);
    if (bestClass(own) !== label && probabilityOf(own, label) <= mostLikely) hard.push(i);
  });
  if (hard.length > 0) return { ...subset(candidates, hard), name: `${candidates.name}, hard` };
  throw new RangeError(
    `Cannot choose hard images of "${candidates.name}": the network misses none by a margin; choose a weaker ` +
      "network, or raise mostLikely",
  );
}

/** Softmax probability of a class, computed relative to the largest logit. */
function probabilityOf(logits: Float32Array, label: number): number {
  const most = logits.reduce((max, value) => Math.max(max, value), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0);
  return Math.exp(logits[label]! - most) / sum;
}
