/**
 * The ways in which DINO collapses, and how its own signals tell (Caron et al. 2021, §5.3: without centring one prototype takes
 * all, without sharpening all prototypes share alike).
 *
 * K prototypes, so entropies lie between 0 and ln K.
 */
import type { StepMetrics } from "./step.ts";

/** One way to collapse. */
export interface CollapseAlarm {
  /** Its name among a step's metrics. */
  readonly name: "alarmOnePrototype" | "alarmUniform" | "alarmSameFeatures";
  /** What is seen, and what to try. */
  readonly message: string;
}

/**
 * The limits, as shares of ln K and, for the features, of a filled sphere.
 *
 * Seen on Fashion-MNIST (`bcSslStart`, K = 512, 900 steps): healthy runs have a KL of 0.057 ln K or more, an entropy between 0.47 and
 * 0.9 ln K after the first hundred steps, and a feature std above 0.36. Without a centre (`centerMomentum` 1) entropy and KL are
 * under 0.0004 ln K by step 300; with a teacher as soft as 0.5 the entropy is over 0.998 ln K and the KL under 0.002 ln K by step 100.
 * The KL is what tells: a confident teacher alone, or a cautious one, is none, as long as the student has something to learn.
 */
const limits = { kl: 0.005, lowEntropy: 0.02, highEntropy: 0.98, featureStd: 0.05 } as const;
const patience = 100; // steps in a row: a run may pass through any of these on its way

/**
 * Watches a run, step by step.
 *
 * Counts from the end of the warm-up on: before, a network that maps all images to nearly the same point is not collapsed, it
 * has not begun.
 *
 * @param options.outDim K
 * @param options.warmupSteps Of the learning rate.
 * @returns A function to be told of every step, in order; it returns the alarms that begin there. Each begins once in a run.
 */
export function collapseWatch(
  { outDim, warmupSteps }: { readonly outDim: number; readonly warmupSteps: number },
): (step: number, signals: Signals) => CollapseAlarm[] {
  const shown = new Map<CollapseAlarm, number>(); // steps in a row
  return (step, signals) => {
    if (step <= warmupSteps) return [];
    return alarms.filter((alarm) => {
      const before = shown.get(alarm) ?? 0;
      if (before === patience) return false; // told already
      const now = alarm.shows(signals, Math.log(outDim)) ? before + 1 : 0;
      shown.set(alarm, now);
      return now === patience;
    });
  };
}

type Signals = Pick<StepMetrics, "teacherEntropy" | "kl" | "featureStd">;

const advice = "stop it, lower lr or lengthen warmupShare";

const alarms: readonly (CollapseAlarm & {
  readonly shows: (signals: Signals, most: number) => boolean;
})[] = [
  {
    name: "alarmOnePrototype",
    message: "Collapse: the teacher gives all images one prototype, and the student follows; " +
      `${advice}, lower centerMomentum (the centre holds this off)`,
    shows: ({ teacherEntropy, kl }, most) =>
      kl < limits.kl * most && teacherEntropy < limits.lowEntropy * most,
  },
  {
    name: "alarmUniform",
    message: "Collapse: the teacher gives all prototypes alike, and the student follows; " +
      `${advice}, lower teacherTemp and warmupTeacherTemp (a sharp teacher holds this off)`,
    shows: ({ teacherEntropy, kl }, most) =>
      kl < limits.kl * most && teacherEntropy > limits.highEntropy * most,
  },
  {
    name: "alarmSameFeatures",
    message: `Collapse: the teacher's features of all images are nearly the same; ${advice}`,
    shows: ({ featureStd }) => featureStd < limits.featureStd,
  },
];
