/** The alarms of MoCo v3. */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";
import { chanceLoss } from "./loss.ts";
import type { MocoV3Recipe } from "./recipe.ts";

/** How far vectors must spread, as a share of a filled sphere; the limit of BYOL's alarms. */
const limit = 0.05;

/**
 * By how much a query's cosine with its own key must exceed the one with all keys, about. Four times
 * this difference is what the loss lies below chance, as long as it is small beside T.
 */
const leastGap = 0.05;

const advice = "stop it, lower lr or lengthen warmupShare";

/**
 * The loss pushes all images apart, so MoCo v3 collapses only where training itself fails. Then the
 * loss stays at that of queries that tell no key from another.
 */
export function mocoV3Alarms(
  { batchSize, temperature }: Pick<MocoV3Recipe, "batchSize" | "temperature">,
): readonly AlarmRule[] {
  const highest = chanceLoss(batchSize, temperature) - 4 * leastGap;
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
