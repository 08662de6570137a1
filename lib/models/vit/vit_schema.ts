/** What a ViT's config may be. */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import * as v from "valibot";
import { oneOf, record, schemaOf, shareBelowOne, whole, withRules } from "lib/schema/fields.ts";
import { dim, pixels } from "lib/models/parts/schema_fields.ts";
import type { ViTConfig } from "lib/models/vit/vit_configs.ts";

const vitSchema = schemaOf<ViTConfig>()(withRules(
  record({
    arch: v.literal("vit"),
    embedDim: dim,
    depth: whole(1, 1000),
    numHeads: whole(1, 2 ** 10),
    patchSize: pixels,
    imageSize: pixels,
    norm: oneOf("layer", "batch"),
    dropPathRate: shareBelowOne,
    normBeforeMlp: v.optional(oneOf("bn")),
    variant: v.optional(oneOf("mocov3")),
  }),
  {
    key: "numHeads",
    allowed: "a divisor of embedDim: all heads are of one width",
    isKept: ({ embedDim, numHeads }) => embedDim % numHeads === 0,
  },
  {
    key: "embedDim",
    allowed: "a multiple of 4 for fixed positions: a sine and a cosine of row and column",
    isKept: ({ embedDim, variant }) => variant !== "mocov3" || embedDim % 4 === 0,
  },
  {
    key: "patchSize",
    allowed: "at most imageSize",
    isKept: ({ patchSize, imageSize }) => patchSize <= imageSize,
  },
));

/** What is known of the family's configs without building a network. */
export const vitConfigFacts: ConfigFacts<ViTConfig> = {
  schema: vitSchema,
  detector: { normedMaps: true, frozenBatchNorm: false },
};
