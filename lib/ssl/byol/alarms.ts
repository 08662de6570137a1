/** The alarms of BYOL. It collapses in one way: both networks map all images to one point. */
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
