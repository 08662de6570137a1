/** What a RepLKNet's config may be. */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import * as v from "valibot";
import {
  flag,
  notNegative,
  record,
  schemaOf,
  shareBelowOne,
  withRules,
} from "lib/schema/fields.ts";
import {
  depths,
  dims,
  kernelSize,
  kernelSizes,
  onePerStage,
} from "lib/models/parts/schema_fields.ts";
import type { RepLKNetConfig } from "lib/models/replknet/replknet_configs.ts";

const repLKNetSchema = schemaOf<RepLKNetConfig>()(withRules(
  record({
    arch: v.literal("replknet"),
    depths,
    dims,
    kernelSizes,
    smallKernelSize: kernelSize,
    merged: flag,
    dropPathRate: shareBelowOne,
    branchScaleInit: v.optional(notNegative),
  }),
  ...onePerStage("dims", "depths", "kernelSizes"),
  {
    key: "smallKernelSize",
    allowed: "at most the smallest of kernelSizes, into which it is merged",
    isKept: ({ smallKernelSize, kernelSizes }) => smallKernelSize <= Math.min(...kernelSizes),
  },
));

/** What is known of the family's configs without building a network. */
export const repLKNetConfigFacts: ConfigFacts<RepLKNetConfig> = {
  schema: repLKNetSchema,
  detector: { normedMaps: true, frozenBatchNorm: false },
};
