/** The alarms of MoBY. */
import {
  type AlarmRule,
  firstAdvice,
  sameFeatures,
  sameProjections,
} from "lib/ssl/method/alarms.ts";
import { chanceLoss } from "./loss.ts";
import type { MobyRecipe } from "./recipe.ts";

/**
 * By how much a query's cosine with its own key must exceed the one with the keys of the queue,
 * about. Divided by the temperature, this difference is what the loss of each view lies below
 * chance, as long as it is small.
 */
const leastGap = 0.05;

/**
 * The loss pushes all images apart, so MoBY collapses only where training itself fails. Then the
 * loss stays at that of queries that tell no key from another.
 */
export function mobyAlarms(
  { queueLength, temperature }: Pick<MobyRecipe, "queueLength" | "temperature">,
): readonly AlarmRule[] {
  const highest = chanceLoss(queueLength) - 2 * leastGap / temperature;
  return [
    sameFeatures(),
    sameProjections("the keys"),
    {
      name: "alarmChance",
      message: "Collapse: queries find the key of their image no better than by chance; " +
        `${firstAdvice}, weaken the changes of colour in crops`,
      reads: ["loss"],
      shows: ({ loss }) => loss! > highest,
    },
  ];
}
