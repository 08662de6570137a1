/** Alarms: warnings that a run has collapsed, from the metrics of its steps. */

/** A sign that a run has collapsed. */
export interface AlarmRule {
  /** Name of the alarm among a step's metrics; it begins with `alarm`. */
  readonly name: string;
  /** What has happened, and what to try. */
  readonly message: string;
  /**
   * The metrics that `shows` reads. A line of the log that lacks one of them is ignored for this
   * alarm.
   */
  readonly reads: readonly string[];
  /** Whether a step looks collapsed. */
  shows(metrics: Readonly<Record<string, number>>): boolean;
}

/** What to try against any collapse; a method adds what holds off its own. */
export const firstAdvice = "stop it, lower lr or lengthen warmupShare";

/**
 * How far vectors must spread, as a share of a filled sphere.
 *
 * Measured on Fashion-MNIST with BYOL (`byolStart`, first 600 steps): in healthy runs the projections
 * stay above 0.79, and the features above 0.57 with AdamW and 0.21 with LARS. In tiny networks with
 * a frozen predictor and a target that equals the online network, the features fall below 0.03
 * within some hundred steps. The projections fall later, since the BatchNorm in the head keeps them
 * apart. With DINO (`bcSslStart`, 900 steps) the features of healthy runs stay above 0.36.
 */
const leastSpread = 0.05;

/** The alarm of features, the metric `featureStd`, that are nearly the same for all images. */
export function sameFeatures(features = "the features", advice = firstAdvice): AlarmRule {
  return {
    name: "alarmSameFeatures",
    message: `Collapse: ${features} of all images are nearly the same; ${advice}`,
    reads: ["featureStd"],
    shows: ({ featureStd }) => featureStd! < leastSpread,
  };
}

/** The same of projections, the metric `projectionStd`. */
export function sameProjections(projections: string, advice = firstAdvice): AlarmRule {
  return {
    name: "alarmSameProjections",
    message: `Collapse: ${projections} of all images are nearly the same; ${advice}`,
    reads: ["projectionStd"],
    shows: ({ projectionStd }) => projectionStd! < leastSpread,
  };
}

/** A line of the log. */
export interface AlarmLine {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Number of consecutive steps that must look collapsed; a healthy run may look so for a short time.
 */
const patience = 100;

/**
 * Creates a watch of a run. It raises each alarm at most once, when 100 consecutive steps have
 * looked collapsed.
 *
 * Steps of the warm-up do not count: a network that maps all images to nearly the same point then
 * has not learnt anything yet.
 *
 * @param warmupSteps Steps in which the learning rate rises.
 * @returns A function that takes every line of the log, in order, and returns the alarms that it
 *   raises at that line.
 */
export function alarmWatch(
  rules: readonly AlarmRule[],
  warmupSteps: number,
): (line: AlarmLine) => AlarmRule[] {
  const inARow = new Map<AlarmRule, number>();
  return ({ step, metrics }) => {
    if (step <= warmupSteps) return [];
    return rules.filter((rule) => {
      const before = inARow.get(rule) ?? 0;
      if (before === patience || rule.reads.some((name) => !(name in metrics))) return false;
      const now = rule.shows(metrics) ? before + 1 : 0;
      inARow.set(rule, now);
      return now === patience;
    });
  };
}
