/** What an iGPT's config may be. */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import * as v from "valibot";
import { flag, record, schemaOf, whole, withRules } from "lib/schema/fields.ts";
import { dim, pixels } from "lib/models/parts/schema_fields.ts";
import type { IGptConfig } from "lib/models/igpt/igpt_configs.ts";

export const iGptSchema = schemaOf<IGptConfig>()(withRules(
  record({
    arch: v.literal("igpt"),
    embedDim: dim,
    depth: whole(1, 1000),
    numHeads: whole(1, 2 ** 10),
    imageSize: pixels,
    patchSize: pixels,
    colours: whole(2, 2 ** 16),
    featureBlock: whole(0, 999),
    masked: flag,
  }),
  {
    key: "numHeads",
    allowed: "a divisor of embedDim: all heads are of one width",
    isKept: ({ embedDim, numHeads }) => embedDim % numHeads === 0,
  },
  {
    key: "patchSize",
    allowed: "a divisor of imageSize: all squares are of one size",
    isKept: ({ patchSize, imageSize }) => imageSize % patchSize === 0,
  },
  {
    key: "featureBlock",
    allowed: "below depth: blocks are counted from 0",
    isKept: ({ featureBlock, depth }) => featureBlock < depth,
  },
));

/** What is known of the family's configs without building a network. */
export const iGptConfigFacts: ConfigFacts<IGptConfig> = {
  schema: iGptSchema,
  detector: { normedMaps: false, frozenBatchNorm: false },
};
