/** What a Mask R-CNN's config may be, without the classes, which are the data's. */
import * as v from "valibot";
import type { MaskRcnnConfig } from "lib/detect/boxes/mask_rcnn_config.ts";
import { modelSchema } from "lib/models/model_schema.ts";
import {
  flag,
  list,
  notNegative,
  positive,
  record,
  schemaOf,
  share,
  whole,
  withRules,
} from "lib/schema/fields.ts";

const width = whole(1, 2 ** 16); // channels
const levels = 5; // P2 to P6

const match = withRules(record({ high: share, low: share, allowLowQuality: flag }), {
  key: "low",
  allowed: "at most high",
  isKept: ({ low, high }) => low <= high,
});
const samples = record({ count: whole(1), objectFraction: share });
const proposals = record({ perLevel: whole(1), kept: whole(1) });
const anchors = list(record({ sizes: list(positive), ratios: list(positive), rounded: flag }));
const perLevel = "five entries, for P2 to P6, with as many sizes × ratios each";

export const maskRcnnSchema = schemaOf<Omit<MaskRcnnConfig, "numClasses">>()(record({
  backbone: modelSchema,
  freezeBatchNorm: flag,
  fpnDim: width,
  rpn: withRules(
    record({
      anchors,
      match,
      samples,
      smoothL1Beta: notNegative,
      training: proposals,
      inference: proposals,
      iou: share,
    }),
    {
      key: "anchors",
      allowed: perLevel,
      isKept: ({ anchors }) =>
        anchors.length === levels &&
        new Set(anchors.map(({ sizes, ratios }) => sizes.length * ratios.length)).size === 1,
    },
  ),
  regions: record({ samplingRatio: whole(0, 2 ** 10), aligned: flag, canonicalSize: positive }),
  box: record({ size: whole(1, 2 ** 10), dim: width, match, samples, smoothL1Beta: notNegative }),
  mask: record({
    size: whole(1, 2 ** 10),
    dims: v.array(width, "a list of channels"),
    binaryTargets: flag,
  }),
  detections: record({ minScore: share, iou: share, most: whole(1) }),
}));
