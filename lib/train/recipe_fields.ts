/** Fields that the recipes of every kind of training have. */
import { optimizerNames } from "./optimizer_names.ts";
import { notNegative, oneOf, positive, share } from "lib/schema/fields.ts";

/** Name of the optimiser. */
export const optimizer = oneOf(...optimizerNames);

/** The peak of a learning rate. */
export const learningRate = positive;

/** Weight decay. */
export const weightDecay = notNegative;

/** L2 norm above which a gradient is scaled down; 0 turns clipping off. */
export const clipNorm = notNegative;

/** How long something lasts, as a share of the run. */
export const shareOfRun = share;
