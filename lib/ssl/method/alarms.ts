/** Alarms: what a run shows when its method collapses, step after step. */

/** A sign that a run has collapsed. */
export interface AlarmRule {
  /** Its name among a step's metrics, beginning with `alarm`. */
  readonly name: string;
  /** What is seen, and what to try. */
  readonly message: string;
  /**
   * The metrics that `shows` reads. A line of the log without all of them says nothing about this
   * alarm.
   */
  readonly reads: readonly string[];
  /** Whether a step looks collapsed. */
  shows(metrics: Readonly<Record<string, number>>): boolean;
}

/** A line of the log. */
export interface AlarmLine {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Steps in a row that must look collapsed: a healthy run may look so for a while. */
const patience = 100;

/**
 * Watches a run, step by step. Each alarm is raised once in a run, when its sign has been there for
 * 100 steps in a row.
 *
 * Steps of the warm-up do not count: a network that maps all images to nearly the same point has
 * not collapsed then, it has not begun.
 *
 * @param warmupSteps Steps in which the learning rate rises.
 * @returns A function that must be given every line of the log in order; it returns the alarms that
 *   are raised there.
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
