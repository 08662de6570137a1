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

/** A rule: the lists under these keys have an entry for each stage, so they are of one length. */
export function onePerStage<K extends string>(
  key: K,
  ...others: readonly K[]
): Rule<Readonly<Record<K, readonly unknown[]>>> {
  return {
    key,
    allowed: `as long as ${others.join(" and ")}: one entry for each stage`,
    isKept: (config) => others.every((other) => config[other].length === config[key].length),
  };
}
