/**
 * The alarms of DINO, one for each way in which it collapses (Caron et al. 2021, §5.3: without
 * centring all images get one prototype; without sharpening every image gets all prototypes
 * equally).
 */
import type { AlarmRule } from "lib/ssl/method/alarms.ts";

/**
 * The limits: entropies and KL as fractions of ln K; the spread of the features as a fraction of
 * that of a filled sphere.
 *
 * Measured on Fashion-MNIST (`bcSslStart`, K = 512, 900 steps): healthy runs have a KL of at least
 * 0.057 ln K, an entropy between 0.47 and 0.9 ln K after the first hundred steps, and a feature std
 * above 0.36. Without centring (`centerMomentum` 1), entropy and KL are below 0.0004 ln K at step
 * 300. With a teacher temperature of 0.5, the entropy is above 0.998 ln K and the KL below 0.002 ln
 * K at step 100. The KL decides: a very low or very high entropy is no collapse as long as the
 * student still has something to learn.
 */
const limits = { kl: 0.005, lowEntropy: 0.02, highEntropy: 0.98, featureStd: 0.05 } as const;

const advice = "stop it, lower lr or lengthen warmupShare";

/** @param outDim Number of prototypes K; entropies lie between 0 and ln K. */
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
