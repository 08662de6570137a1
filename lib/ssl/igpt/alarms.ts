/** The alarms of iGPT. */
import { type AlarmRule, firstAdvice, sameFeatures } from "lib/ssl/method/alarms.ts";

/** The share of the loss at chance that a run must fall below. */
const shareOfChance = 0.98;

/**
 * iGPT has targets that training does not change, so it cannot make its task trivial as methods
 * with two networks can. It fails where training does not begin.
 *
 * @param colours Number of colours K; the loss at chance is ln K.
 */
export function iGptAlarms(colours: number): readonly AlarmRule[] {
  const highest = shareOfChance * Math.log(colours);
  return [
    sameFeatures(),
    {
      name: "alarmChance",
      message: `Collapse: colours are predicted no better than by chance; ${firstAdvice}`,
      reads: ["loss"],
      shows: ({ loss }) => loss! > highest,
    },
  ];
}
