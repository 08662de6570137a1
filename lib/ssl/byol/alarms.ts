/**
 * The way in which BYOL collapses, and how its signals show it: both networks map all images to one
 * point.
 */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";

/**
 * How far vectors must spread, as a share of a filled sphere.
 *
 * Seen on Fashion-MNIST (`byolStart`, first 600 steps): healthy runs keep projections above 0.79,
 * and features above 0.57 under AdamW and 0.21 under LARS. Of tiny networks with a frozen predictor
 * and a target without a lag, the features fall under 0.03 within some hundred steps. Projections
 * fall later, as the BatchNorm in the head keeps them apart.
 */
const limit = 0.05;

const advice =
  "stop it, lower lr or lengthen warmupShare, raise targetMomentum (a slow target holds this off)";

export const byolAlarms: readonly AlarmRule[] = [
  {
    name: "alarmSameProjections",
    message: `Collapse: the target's projections of all images are nearly the same; ${advice}`,
    reads: ["projectionStd"],
    shows: ({ projectionStd }) => projectionStd! < limit,
  },
  {
    name: "alarmSameFeatures",
    message: `Collapse: the target's features of all images are nearly the same; ${advice}`,
    reads: ["featureStd"],
    shows: ({ featureStd }) => featureStd! < limit,
  },
];
