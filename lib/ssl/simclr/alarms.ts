/** The alarms of SimCLR. */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";
import { chanceLoss } from "./loss.ts";

/** How far vectors must spread, as a share of a filled sphere; the limit of BYOL's alarms. */
const limit = 0.05;

/** The share of the loss at chance that a run must fall below. */
const shareOfChance = 0.98;

const advice = "stop it, lower lr or lengthen warmupShare";

/**
 * The loss pushes all images apart, so SimCLR collapses only where training itself fails. Then the
 * loss stays at that of a network that tells no image from another, or even above it.
 *
 * @param batchSize Images in a batch, among which each must find its other view.
 */
export function simclrAlarms(batchSize: number): readonly AlarmRule[] {
  const highest = shareOfChance * chanceLoss(batchSize);
  return [
    {
      name: "alarmSameFeatures",
      message: `Collapse: the features of all images are nearly the same; ${advice}`,
      reads: ["featureStd"],
      shows: ({ featureStd }) => featureStd! < limit,
    },
    {
      name: "alarmSameProjections",
      message: `Collapse: the projections of all images are nearly the same; ${advice}`,
      reads: ["projectionStd"],
      shows: ({ projectionStd }) => projectionStd! < limit,
    },
    {
      name: "alarmChance",
      message: "Collapse: the network finds the other view of an image no better than by chance; " +
        `${advice}, raise temperature, weaken the changes of colour in crops`,
      reads: ["loss"],
      shows: ({ loss }) => loss! > highest,
    },
  ];
}
