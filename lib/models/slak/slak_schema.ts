/** What a SLaK's config may be. */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import * as v from "valibot";
import { notNegative, record, schemaOf, shareBelowOne, withRules } from "lib/schema/fields.ts";
import {
  depths,
  dims,
  kernelSize,
  kernelSizes,
  onePerStage,
  pixels,
} from "lib/models/parts/schema_fields.ts";
import type { SLaKConfig } from "lib/models/slak/slak_configs.ts";

const sLaKSchema = schemaOf<SLaKConfig>()(withRules(
  record({
    arch: v.literal("slak"),
    depths,
    dims,
    patchSize: pixels,
    kernelSizes,
    smallKernelSize: kernelSize,
    dropPathRate: shareBelowOne,
    layerScaleInit: notNegative,
  }),
  ...onePerStage("dims", "depths", "kernelSizes"),
));

/** What is known of the family's configs without building a network. */
export const sLaKConfigFacts: ConfigFacts<SLaKConfig> = {
  schema: sLaKSchema,
  detector: { normedMaps: true, frozenBatchNorm: false },
};
