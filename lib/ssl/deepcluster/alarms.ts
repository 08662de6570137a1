/**
 * The alarms of DeepCluster-v2. It collapses if nearly all images fall into one cluster: each view
 * predicts that at once, and nothing pushes the images apart.
 */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";

/**
 * The limits: empty clusters as a fraction of all; the spread of the features as a fraction of a
 * filled sphere, as in BYOL's alarms.
 */
const limits = { empty: 0.5, featureStd: 0.05 } as const;

const advice = "stop it, lower lr or lengthen warmupShare";

export const deepClusterAlarms: readonly AlarmRule[] = [
  {
    name: "alarmEmptyClusters",
    message: "Collapse: most of the clusters have no image; " +
      `${advice}, or lower head.prototypes if there are not many more images`,
    reads: ["emptyClusters"],
    shows: ({ emptyClusters }) => emptyClusters! > limits.empty,
  },
  {
    name: "alarmSameFeatures",
    message: `Collapse: the features of all images are nearly the same; ${advice}`,
    reads: ["featureStd"],
    shows: ({ featureStd }) => featureStd! < limits.featureStd,
  },
];
