/** Fields that recipes of every kind of training have. */
import { optimizerNames } from "./optimizer_names.ts";
import { notNegative, oneOf, positive, share } from "lib/schema/fields.ts";

/** Which optimiser moves the weights. */
export const optimizer = oneOf(...optimizerNames);

/** A learning rate at its peak. */
export const learningRate = positive;

/** How much weights shrink. */
export const weightDecay = notNegative;

/** L2 norm above which a gradient is scaled down; 0 scales none. */
export const clipNorm = notNegative;

/** How long something lasts, as a share of the run. */
export const shareOfRun = share;
