/**
 * The alarms of BYOL. It collapses in one way: both networks map all images to one point.
 *
 * Without BatchNorm in the heads, and in the network, and with a target momentum of 0 as well, the
 * projections fall to 0.2, 0.17 and 0.13 in 936 steps, the features to 0.39, 0.34 and 0.29, and the
 * k-NN is as good as with BatchNorm (`12_collapse`): no collapse, so the limit is below that.
 */
import {
  type AlarmRule,
  firstAdvice,
  sameFeatures,
  sameProjections,
} from "lib/ssl/method/alarms.ts";

const advice = `${firstAdvice}, raise targetMomentum (a slow target holds this off)`;

export const byolAlarms: readonly AlarmRule[] = [
  sameProjections("the target's projections", advice),
  sameFeatures("the target's features", advice),
];
