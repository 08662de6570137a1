/**
 * The alarms of SwAV, one for each way in which it collapses. Equal shares for all prototypes keep
 * images from getting one prototype. But if all embeddings are the same, the only equal shares give
 * every image all prototypes alike, which every view predicts at once ("Common Issues" in the
 * README of the public code).
 */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";

/**
 * The limits: entropy as a fraction of ln K; the spread of the features as a fraction of a filled
 * sphere, as in BYOL's alarms; dead prototypes as a fraction of all.
 */
const limits = { entropy: 0.98, featureStd: 0.05, dead: 0.5 } as const;

const advice = "stop it, lower lr or lengthen warmupShare";

/** @param prototypes K; the entropy of an assignment lies between 0 and ln K. */
export function swavAlarms(prototypes: number): readonly AlarmRule[] {
  const most = Math.log(prototypes);
  return [
    {
      name: "alarmUniform",
      message: "Collapse: every image is assigned to all prototypes alike; " +
        `${advice}, lower epsilon, or raise freezePrototypesShare`,
      reads: ["codeEntropy"],
      shows: ({ codeEntropy }) => codeEntropy! > limits.entropy * most,
    },
    {
      name: "alarmSameFeatures",
      message: `Collapse: the features of all images are nearly the same; ${advice}`,
      reads: ["featureStd"],
      shows: ({ featureStd }) => featureStd! < limits.featureStd,
    },
    {
      name: "alarmDeadPrototypes",
      message: "Dead prototypes: no image has been assigned to most of the prototypes for long; " +
        `${advice}, lower head.prototypes, or raise queueLength`,
      reads: ["deadPrototypes"],
      shows: ({ deadPrototypes }) => deadPrototypes! > limits.dead,
    },
  ];
}
