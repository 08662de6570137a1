/** The alarms of MoCo v3. */
import {
  type AlarmRule,
  firstAdvice,
  sameFeatures,
  sameProjections,
} from "lib/ssl/method/alarms.ts";
import { chanceLoss } from "./loss.ts";
import type { MocoV3Recipe } from "./recipe.ts";

/**
 * By how much a query's cosine with its own key must exceed the one with all keys, about. Four times
 * this difference is what the loss lies below chance, as long as it is small beside T.
 */
const leastGap = 0.05;

/**
 * The loss pushes all images apart, so MoCo v3 collapses only where training itself fails. Then the
 * loss stays at that of queries that tell no key from another.
 */
export function mocoV3Alarms(
  { batchSize, temperature }: Pick<MocoV3Recipe, "batchSize" | "temperature">,
): readonly AlarmRule[] {
  const highest = chanceLoss(batchSize, temperature) - 4 * leastGap;
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
