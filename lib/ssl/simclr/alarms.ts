/** The alarms of SimCLR. */
import {
  type AlarmRule,
  firstAdvice,
  sameFeatures,
  sameProjections,
} from "lib/ssl/method/alarms.ts";
import { chanceLoss } from "./loss.ts";

/** The share of the loss at chance that a run must fall below. */
const shareOfChance = 0.98;

/**
 * The loss pushes all images apart, so SimCLR collapses only where training itself fails. Then the
 * loss stays at that of a network that tells no image from another, or even above it.
 *
 * @param batchSize Images in a batch, among which each must find its other view.
 */
export function simclrAlarms(batchSize: number): readonly AlarmRule[] {
  const highest = shareOfChance * chanceLoss(batchSize);
  return [
    sameFeatures(),
    sameProjections("the projections"),
    {
      name: "alarmChance",
      message: "Collapse: the network finds the other view of an image no better than by chance; " +
        `${firstAdvice}, raise temperature, weaken the changes of colour in crops`,
      reads: ["loss"],
      shows: ({ loss }) => loss! > highest,
    },
  ];
}
