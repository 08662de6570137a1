/**
 * The alarms of SwAV, one for each way in which it collapses. Equal shares for all prototypes keep
 * images from getting one prototype. But if all embeddings are the same, the only equal shares give
 * every image all prototypes alike, which every view predicts at once ("Common Issues" in the
 * README of the public code).
 */
import { type AlarmRule, firstAdvice, sameFeatures } from "lib/ssl/method/alarms.ts";

/** The limits: entropy as a fraction of ln K, dead prototypes as a fraction of all. */
const limits = { entropy: 0.98, dead: 0.5 } as const;

/** @param prototypes K; the entropy of an assignment lies between 0 and ln K. */
export function swavAlarms(prototypes: number): readonly AlarmRule[] {
  const most = Math.log(prototypes);
  return [
    {
      name: "alarmUniform",
      message: "Collapse: every image is assigned to all prototypes alike; " +
        `${firstAdvice}, lower epsilon, or raise freezePrototypesShare`,
      reads: ["codeEntropy"],
      shows: ({ codeEntropy }) => codeEntropy! > limits.entropy * most,
    },
    sameFeatures(),
    {
      name: "alarmDeadPrototypes",
      message: "Dead prototypes: no image has been assigned to most of the prototypes for long; " +
        `${firstAdvice}, lower head.prototypes, or raise queueLength`,
      reads: ["deadPrototypes"],
      shows: ({ deadPrototypes }) => deadPrototypes! > limits.dead,
    },
  ];
}
