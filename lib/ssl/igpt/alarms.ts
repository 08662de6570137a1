/** The alarms of iGPT. */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";

/** How far features must spread, as a share of a filled sphere; the limit of BYOL's alarms. */
const limit = 0.05;

/** The share of the loss at chance that a run must fall below. */
const shareOfChance = 0.98;

const advice = "stop it, lower lr or lengthen warmupShare";

/**
 * iGPT has targets that training does not change, so it cannot make its task trivial as methods
 * with two networks can. It fails where training does not begin.
 *
 * @param colours Number of colours K; the loss at chance is ln K.
 */
export function iGptAlarms(colours: number): readonly AlarmRule[] {
  const highest = shareOfChance * Math.log(colours);
  return [
    {
      name: "alarmSameFeatures",
      message: `Collapse: the features of all images are nearly the same; ${advice}`,
      reads: ["featureStd"],
      shows: ({ featureStd }) => featureStd! < limit,
    },
    {
      name: "alarmChance",
      message: `Collapse: colours are predicted no better than by chance; ${advice}`,
      reads: ["loss"],
      shows: ({ loss }) => loss! > highest,
    },
  ];
}
