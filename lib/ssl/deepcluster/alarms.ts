/**
 * The alarms of DeepCluster-v2. It collapses if nearly all images fall into one cluster: each view
 * predicts that at once, and nothing pushes the images apart.
 */
import { type AlarmRule, firstAdvice, sameFeatures } from "lib/ssl/method/alarms.ts";

/** The share of all clusters that may be empty. */
const mostEmpty = 0.5;

export const deepClusterAlarms: readonly AlarmRule[] = [
  {
    name: "alarmEmptyClusters",
    message: "Collapse: most of the clusters have no image; " +
      `${firstAdvice}, or lower head.prototypes if there are not many more images`,
    reads: ["emptyClusters"],
    shows: ({ emptyClusters }) => emptyClusters! > mostEmpty,
  },
  sameFeatures(),
];
