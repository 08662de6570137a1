/** The allowed values of the fields that the recipes of DINO and EsViT share. */
import * as v from "valibot";
import { modelSchema } from "lib/models/model_schema.ts";
import { flag, notNegative, oneOf, positive, record, share, whole } from "lib/schema/fields.ts";
import { cropSchema } from "lib/ssl/views/crop_schema.ts";
import {
  clipNorm,
  learningRate,
  optimizer,
  shareOfRun,
  weightDecay,
} from "lib/train/recipe_fields.ts";

const width = whole(1, 2 ** 16);
const temperature = positive;

/** All fields of a `DistillationRecipe` but those that the scale sets. */
export const distillationFields = {
  model: modelSchema,
  head: record({
    hiddenDim: width,
    bottleneckDim: width,
    outDim: whole(2, 2 ** 24),
    batchNorm: flag,
    normLastLayer: flag,
  }),
  crops: cropSchema,
  optimizer: v.optional(optimizer),
  accumulate: v.optional(whole(1, 2 ** 16)),
  lr: learningRate,
  minLr: notNegative,
  warmupShare: shareOfRun,
  weightDecay,
  weightDecayEnd: weightDecay,
  clipNorm,
  freezeLastLayerShare: shareOfRun,
  studentTemp: temperature,
  teacherTemp: temperature,
  warmupTeacherTemp: temperature,
  warmupTeacherTempShare: shareOfRun,
  teacherMomentum: share,
  centerMomentum: share,
  precision: v.optional(oneOf("bf16")),
  gradients: v.optional(oneOf("bf16")),
};
