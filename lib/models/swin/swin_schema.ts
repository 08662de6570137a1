/** What a Swin's config may be. */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import * as v from "valibot";
import {
  list,
  oneOf,
  positive,
  record,
  schemaOf,
  shareBelowOne,
  whole,
  withRules,
} from "lib/schema/fields.ts";
import { depths, dim, onePerStage, pixels } from "lib/models/parts/schema_fields.ts";
import type { SwinConfig } from "lib/models/swin/swin_configs.ts";

const swinSchema = schemaOf<SwinConfig>()(withRules(
  record({
    arch: v.literal("swin"),
    embedDim: dim,
    depths,
    numHeads: list(whole(1, 2 ** 10)),
    windowSize: whole(1, 2 ** 10),
    patchSize: pixels,
    imageSize: pixels,
    normEps: positive,
    dropPathRate: shareBelowOne,
    normBeforeMlp: v.optional(oneOf("bn")),
  }),
  ...onePerStage("depths", "numHeads"),
  {
    key: "numHeads",
    allowed:
      "divisors of the layers' channels: embedDim, twice as many, four times as many and so on",
    isKept: ({ embedDim, numHeads }) =>
      numHeads.every((heads, i) => embedDim * 2 ** i % heads === 0),
  },
  {
    key: "patchSize",
    allowed: "at most imageSize",
    isKept: ({ patchSize, imageSize }) => patchSize <= imageSize,
  },
));

/** What is known of the family's configs without building a network. */
export const swinConfigFacts: ConfigFacts<SwinConfig> = {
  schema: swinSchema,
  detector: { normedMaps: true, frozenBatchNorm: false },
};
