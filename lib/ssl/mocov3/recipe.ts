/** MoCo v3's recipe as data, and its schedules. */
import { cosineSchedule } from "lib/train/schedules.ts";
import { demandFor } from "lib/ssl/method/demand.ts";
import type { Moment, OptimizerValues } from "lib/ssl/method/method.ts";
import { type CommonRecipe, cosineValues } from "lib/ssl/method/recipe.ts";

/** MoCo v3's recipe. Comments give the names of the public code's options. */
export interface MocoV3Recipe extends CommonRecipe {
  /** Name of the method. */
  readonly method: "mocov3";
  /** Form and sizes of the projector and the predictor. */
  readonly head: MocoV3HeadConfig;
  /** Divides the cosines in the loss (`moco-t`): 1 for ResNets, 0.2 for ViTs. */
  readonly temperature: number;
  /**
   * Momentum of the momentum encoder at the start (`moco-m`); it rises to 1 along a cosine
   * (`moco-m-cos`). In the reference runs 0.99, for 1,000 epochs 0.996.
   */
  readonly encoderMomentum: number;
}

/** Form and sizes of the projector and the predictor. */
export interface MocoV3HeadConfig {
  /**
   * Whose heads they are. `resnet`: two linear layers each, and the predictor ends in a linear
   * layer. `vit`: three in the projector and two in the predictor, which ends in a BatchNorm.
   */
  readonly form: "resnet" | "vit";
  /** Width of hidden layers (`moco-mlp-dim`): 4096. */
  readonly hiddenDim: number;
  /** Length of queries and keys (`moco-dim`): 256. */
  readonly outDim: number;
}

/**
 * The learning rate and the weight decay at a step. As in the public code, the first step after the
 * warm-up has the peak learning rate.
 */
export function mocoV3Values(recipe: MocoV3Recipe, now: Pick<Moment, "step" | "totalSteps">) {
  return cosineValues(recipe, now, "after") satisfies OptimizerValues;
}

/** The fraction of its old value that the momentum encoder keeps at a step. */
export function encoderMomentum(
  { encoderMomentum: base }: MocoV3Recipe,
  { step, totalSteps }: Pick<Moment, "step" | "totalSteps">,
): number {
  return cosineSchedule(step, { base, final: 1, totalSteps });
}

const demand = demandFor("MoCo v3");

/**
 * @throws {RangeError} If MoCo v3 cannot follow the recipe; the message names the value and what is
 *   allowed.
 */
export function checkMocoV3(recipe: MocoV3Recipe) {
  const { head, temperature, encoderMomentum: m, crops, batchSize, accumulate = 1 } = recipe;
  const { form } = head;
  demand(form === "resnet" || form === "vit", "recipe.head.form", form, '"resnet" or "vit"');
  for (const name of ["hiddenDim", "outDim"] as const) {
    const value = head[name];
    const valid = Number.isInteger(value) && value > 0;
    demand(valid, `recipe.head.${name}`, value, "a whole number of at least 1");
  }
  const positive = Number.isFinite(temperature) && temperature > 0;
  demand(positive, "recipe.temperature", temperature, "a number above 0");
  demand(m >= 0 && m <= 1, "recipe.encoderMomentum", m, "a number from 0 to 1");
  const { localCrops } = crops;
  demand(localCrops === 0, "recipe.crops.localCrops", localCrops, "0: it compares two views");
  const reason = "1: the loss compares each query with the keys of the batch; lower batchSize";
  demand(accumulate === 1, "recipe.accumulate", accumulate, reason);
  demand(batchSize > 1, "recipe.batchSize", batchSize, "2 images, to tell one from the other");
}
