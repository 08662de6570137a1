/** What a ResNet's config may be. */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import * as v from "valibot";
import { flag, oneOf, record, schemaOf, withRules } from "lib/schema/fields.ts";
import { depths, dims, onePerStage } from "lib/models/parts/schema_fields.ts";
import type { ResNetConfig } from "lib/models/resnet/resnet_configs.ts";

const resNetSchema = schemaOf<ResNetConfig>()(withRules(
  record({
    arch: v.literal("resnet"),
    block: oneOf("basic", "bottleneck"),
    depths,
    dims,
    selectiveKernels: flag,
    zeroInitResidual: v.optional(flag),
  }),
  ...onePerStage("dims", "depths"),
  {
    key: "selectiveKernels",
    allowed: `false where block is "basic": only a bottleneck has them`,
    isKept: ({ block, selectiveKernels }) => !(selectiveKernels && block === "basic"),
  },
));

/** What is known of the family's configs without building a network. */
export const resNetConfigFacts: ConfigFacts<ResNetConfig> = {
  schema: resNetSchema,
  detector: { normedMaps: false, frozenBatchNorm: true },
};
