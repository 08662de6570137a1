/**
 * The ways in which DINO collapses, and how its signals show it (Caron et al. 2021, §5.3: without
 * centring one prototype takes all, without sharpening all prototypes share alike).
 */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";

/**
 * The limits, as shares of ln K and, for the features, of a filled sphere.
 *
 * Seen on Fashion-MNIST (`bcSslStart`, K = 512, 900 steps): healthy runs have a KL of 0.057 ln K or
 * more, an entropy between 0.47 and 0.9 ln K after the first hundred steps, and a feature std above
 * 0.36. Without a centre (`centerMomentum` 1) entropy and KL are under 0.0004 ln K by step 300;
 * with a teacher as soft as 0.5 the entropy is over 0.998 ln K and the KL under 0.002 ln K by step
 * 100. The KL decides: a confident or a cautious teacher alone is no collapse, as long as the
 * student has something to learn.
 */
const limits = { kl: 0.005, lowEntropy: 0.02, highEntropy: 0.98, featureStd: 0.05 } as const;

const advice = "stop it, lower lr or lengthen warmupShare";

/** @param outDim K prototypes, so entropies lie between 0 and ln K. */
export function dinoAlarms(outDim: number): readonly AlarmRule[] {
  const most = Math.log(outDim);
  return [
    {
      name: "alarmOnePrototype",
      message: "Collapse: the teacher gives all images one prototype, and the student follows; " +
        `${advice}, lower centerMomentum (the centre holds this off)`,
      reads: ["kl", "teacherEntropy"],
      shows: ({ teacherEntropy, kl }) =>
        kl! < limits.kl * most && teacherEntropy! < limits.lowEntropy * most,
    },
    {
      name: "alarmUniform",
      message: "Collapse: the teacher gives all prototypes alike, and the student follows; " +
        `${advice}, lower teacherTemp and warmupTeacherTemp (a sharp teacher holds this off)`,
      reads: ["kl", "teacherEntropy"],
      shows: ({ teacherEntropy, kl }) =>
        kl! < limits.kl * most && teacherEntropy! > limits.highEntropy * most,
    },
    {
      name: "alarmSameFeatures",
      message: `Collapse: the teacher's features of all images are nearly the same; ${advice}`,
      reads: ["featureStd"],
      shows: ({ featureStd }) => featureStd! < limits.featureStd,
    },
  ];
}
