/**
 * The alarms of DINO, one for each way in which it collapses (Caron et al. 2021, §5.3: without
 * centring all images get one prototype; without sharpening every image gets all prototypes
 * equally).
 */
import { type AlarmRule, firstAdvice, sameFeatures } from "lib/ssl/method/alarms.ts";

/**
 * The limits: entropies and KL as fractions of ln K.
 *
 * Measured on Fashion-MNIST (`bcSslStart`, K = 512, 900 steps): healthy runs have a KL of at least
 * 0.057 ln K, and an entropy between 0.47 and 0.9 ln K after the first hundred steps. Without
 * centring (`centerMomentum` 1), entropy and KL are below 0.0004 ln K at step 300. With a teacher
 * temperature of 0.5, the entropy is above 0.998 ln K and the KL below 0.002 ln K at step 100. The
 * KL decides: a very low or very high entropy is no collapse as long as the student still has
 * something to learn.
 */
const limits = { kl: 0.005, lowEntropy: 0.02, highEntropy: 0.98 } as const;

/** What tells the alarms of one head from those of another. */
export interface WatchedHead {
  /** Names of its two alarms. */
  readonly alarms: { readonly onePrototype: string; readonly uniform: string };
  /** The metric that is the mean entropy of the teacher's distributions, in nats. */
  readonly entropy: string;
  /** The metric that is the KL divergence from the teacher to the student, in nats. */
  readonly kl: string;
  /** What the head gives prototypes to, in the plural. */
  readonly inputs: string;
}

/**
 * The alarms of one head.
 *
 * @param outDim Number of prototypes K; entropies lie between 0 and ln K.
 */
export function prototypeAlarms(
  outDim: number,
  { alarms, entropy, kl, inputs }: WatchedHead,
): readonly AlarmRule[] {
  const most = Math.log(outDim);
  const reads = [kl, entropy];
  const follows = (metrics: Readonly<Record<string, number>>) => metrics[kl]! < limits.kl * most;
  return [
    {
      name: alarms.onePrototype,
      message:
        `Collapse: the teacher gives all ${inputs} one prototype, and the student follows; ` +
        `${firstAdvice}, lower centerMomentum (the centre holds this off)`,
      reads,
      shows: (metrics) => follows(metrics) && metrics[entropy]! < limits.lowEntropy * most,
    },
    {
      name: alarms.uniform,
      message: `Collapse: the teacher gives ${inputs} all prototypes alike, and the student ` +
        `follows; ${firstAdvice}, lower teacherTemp and warmupTeacherTemp (a sharp teacher holds this ` +
        "off)",
      reads,
      shows: (metrics) => follows(metrics) && metrics[entropy]! > limits.highEntropy * most,
    },
  ];
}

/**
 * The alarms of a method with DINO's head on the features of views.
 *
 * @param outDim Number of prototypes K.
 */
export function dinoAlarms(outDim: number): readonly AlarmRule[] {
  return [
    ...prototypeAlarms(outDim, {
      alarms: { onePrototype: "alarmOnePrototype", uniform: "alarmUniform" },
      entropy: "teacherEntropy",
      kl: "kl",
      inputs: "images",
    }),
    sameFeatures("the teacher's features"),
  ];
}
