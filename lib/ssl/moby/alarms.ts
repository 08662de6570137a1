/** The alarms of MoBY. */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";
import { chanceLoss } from "./loss.ts";
import type { MobyRecipe } from "./recipe.ts";

/** How far vectors must spread, as a share of a filled sphere; the limit of BYOL's alarms. */
const limit = 0.05;

/**
 * By how much a query's cosine with its own key must exceed the one with the keys of the queue,
 * about. Divided by the temperature, this difference is what the loss of each view lies below
 * chance, as long as it is small.
 */
const leastGap = 0.05;

const advice = "stop it, lower lr or lengthen warmupShare";

/**
 * The loss pushes all images apart, so MoBY collapses only where training itself fails. Then the
 * loss stays at that of queries that tell no key from another.
 */
export function mobyAlarms(
  { queueLength, temperature }: Pick<MobyRecipe, "queueLength" | "temperature">,
): readonly AlarmRule[] {
  const highest = chanceLoss(queueLength) - 2 * leastGap / temperature;
  return [
    {
      name: "alarmSameFeatures",
      message: `Collapse: the features of all images are nearly the same; ${advice}`,
      reads: ["featureStd"],
      shows: ({ featureStd }) => featureStd! < limit,
    },
    {
      name: "alarmSameProjections",
      message: `Collapse: the keys of all images are nearly the same; ${advice}`,
      reads: ["projectionStd"],
      shows: ({ projectionStd }) => projectionStd! < limit,
    },
    {
      name: "alarmChance",
      message: "Collapse: queries find the key of their image no better than by chance; " +
        `${advice}, weaken the changes of colour in crops`,
      reads: ["loss"],
      shows: ({ loss }) => loss! > highest,
    },
  ];
}
