/** Fields that the configs of several families have. */
import * as v from "valibot";
import { isKernelSize, kernelSizeRule } from "lib/nn/kernel_size.ts";
import { list, type Rule, whole } from "lib/schema/fields.ts";

/** The side of a depthwise kernel, in pixels. */
export const kernelSize = v.pipe(
  v.number(kernelSizeRule),
  v.check((side) => isKernelSize(side), kernelSizeRule),
);

/** Channels, or width of a layer. */
export const dim = whole(1, 2 ** 16);

/** Blocks of each stage. */
export const depths = list(whole(1, 1000));

/** Channels of each stage. */
export const dims = list(dim);

/** Kernel sizes of each stage. */
export const kernelSizes = list(kernelSize);

/** Pixels a side of an image or a patch. */
export const pixels = whole(1, 2 ** 16);

/**
 * Rules: the lists under the other keys are as long as that of the first, as all have an entry for
 * each stage.
 */
export function onePerStage<K extends string>(
  first: K,
  ...others: readonly K[]
): Rule<Readonly<Record<K, readonly unknown[]>>>[] {
  return others.map((key) => ({
    key,
    allowed: `as long as ${first}: one entry for each stage`,
    isKept: (config) => config[key].length === config[first].length,
  }));
}
