/** What a ConvNeXt's config may be. */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import * as v from "valibot";
import {
  flag,
  notNegative,
  record,
  schemaOf,
  shareBelowOne,
  whole,
  withRules,
} from "lib/schema/fields.ts";
import type { ConvNeXtConfig } from "lib/models/convnext/convnext_configs.ts";
import type { ConvNeXtIsotropicConfig } from "./convnext_isotropic_configs.ts";
import {
  depths,
  dim,
  dims,
  kernelSize,
  kernelSizes,
  onePerStage,
  pixels,
} from "lib/models/parts/schema_fields.ts";

const kernels = "an odd whole number of at least 1, or a list of one for each stage";

const convNeXtSchema = schemaOf<ConvNeXtConfig>()(withRules(
  record({
    arch: v.literal("convnext"),
    depths,
    dims,
    patchSize: pixels,
    kernelSize: v.union([kernelSize, kernelSizes], kernels),
    batchNorm: flag,
    dwconvBias: flag,
    dropPathRate: shareBelowOne,
    layerScaleInit: notNegative,
  }),
  ...onePerStage("dims", "depths"),
  {
    key: "kernelSize",
    allowed: kernels,
    isKept: ({ kernelSize, depths }) =>
      typeof kernelSize === "number" || kernelSize.length === depths.length,
  },
));

const convNeXtIsotropicSchema = schemaOf<ConvNeXtIsotropicConfig>()(record({
  arch: v.literal("convnext_isotropic"),
  depth: whole(1, 1000),
  dim,
  patchSize: pixels,
  kernelSize,
  batchNorm: flag,
  dwconvBias: flag,
  dropPathRate: shareBelowOne,
  layerScaleInit: notNegative,
}));

/** What is known of the family's configs without building a network. */
export const convNeXtConfigFacts: ConfigFacts<ConvNeXtConfig> = {
  schema: convNeXtSchema,
  detector: { normedMaps: true, frozenBatchNorm: false },
};

/** What is known of the family's configs without building a network. */
export const convNeXtIsotropicConfigFacts: ConfigFacts<ConvNeXtIsotropicConfig> = {
  schema: convNeXtIsotropicSchema,
  detector: { normedMaps: true, frozenBatchNorm: false },
};
