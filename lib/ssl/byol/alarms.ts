/** The alarms of BYOL. It collapses in one way: both networks map all images to one point. */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";

/**
 * How far vectors must spread, as a share of a filled sphere.
 *
 * Measured on Fashion-MNIST (`byolStart`, first 600 steps): in healthy runs the projections stay
 * above 0.79, and the features above 0.57 with AdamW and 0.21 with LARS. In tiny networks with a
 * frozen predictor and a target that equals the online network, the features fall below 0.03 within
 * some hundred steps. The projections fall later, since the BatchNorm in the head keeps them apart.
 *
 * Without BatchNorm in the heads, and in the network, and with a target momentum of 0 as well, the
 * projections fall to 0.2, 0.17 and 0.13 in 936 steps, the features to 0.39, 0.34 and 0.29, and the
 * k-NN is as good as with BatchNorm (`12_collapse`): no collapse, so the limit stays below that.
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
