/**
 * The allowed values of a detector's config. `lib/experiments/detect/detector_config.ts` compares
 * the schema with the type.
 */
import * as v from "valibot";
import { commonSizes, experimentName, scalesOf } from "./experiment_schema.ts";
import { scaleNames } from "./config_types.ts";
import { pretrainSchema } from "./pretrain_schema.ts";
import { maskRcnnSchema } from "lib/detect/boxes/mask_rcnn_schema.ts";
import { detectorRecipeSchema } from "lib/detect/training/detector_recipe_schema.ts";
import { byKey, integer, oneOf, path, record, whole } from "lib/schema/fields.ts";

const fileName = v.optional(path);

const data = byKey("kind", {
  scenes: record({ kind: v.literal("scenes") }),
  coco: record({
    kind: v.literal("coco"),
    folder: v.optional(path),
    train: fileName,
    val: fileName,
    onFault: v.optional(oneOf("leave out", "stop")),
  }),
});

const fromRun = record({
  config: pretrainSchema,
  scale: oneOf(...scaleNames),
  seed: v.optional(integer),
  of: v.optional(oneOf("teacher", "student", "best", "init", "supervised")),
});
const fromFile = record({ weights: path, key: v.optional(v.pipe(v.string(), v.minLength(1))) });

/** Where the first weights come from: a run, a file of weights, or null for random ones. */
const origin = v.nullable(
  v.lazy((input: unknown): typeof fromRun | typeof fromFile =>
    Object.hasOwn(Object(input), "weights") ? fromFile : fromRun
  ),
);

export const detectorSchema = record({
  name: experimentName,
  data,
  pretrained: origin,
  model: maskRcnnSchema,
  recipe: detectorRecipeSchema,
  scales: scalesOf(record({ ...commonSizes, valCount: whole(1) })),
});
