/**
 * A table of the metrics that runs record: their names, their units, and when they are measured.
 * History, curves and summaries read this table. To add a metric, add a line.
 */

/** A line of the table. */
export interface Metric {
  /** Key among a step's metrics; `*` stands for any letters and digits. */
  readonly name: string;
  /** Name in figures: `teacher entropy`. */
  readonly title: string;
  /** `fraction` is shown in percent. */
  readonly unit: "nats" | "fraction" | "none";
  /** Whether it is measured at every step, or only now and then, as by the monitor. */
  readonly when: "every step" | "now and then";
  /** Whether higher or lower values are better; `neither` for a signal that is only watched. */
  readonly better: "higher" | "lower" | "neither";
  /** Whether the curves of a run have a panel for it. */
  readonly curve: boolean;
}

const accuracy = { unit: "fraction", when: "now and then", better: "higher", curve: true } as const;

/**
 * The table, in the order of the panels of `trainingCurves`. The first line that matches a name
 * counts.
 */
export const metricTable: readonly Metric[] = [
  {
    ...{ name: "loss", title: "loss", unit: "nats", when: "every step", better: "lower" },
    curve: true,
  },
  { ...accuracy, name: "knn20Top1", title: "k-NN top-1" },
  { ...accuracy, name: "knn*Top1", title: "k-NN top-1, another k", curve: false },
  { ...accuracy, name: "knn*Top5", title: "k-NN top-5", curve: false },
  {
    ...{ name: "rankMe", title: "RankMe", unit: "none", when: "now and then", better: "higher" },
    curve: true,
  },
  {
    ...{ name: "alphaReQ", title: "α-ReQ", unit: "none", when: "now and then", better: "neither" },
    curve: true,
  },
  { ...accuracy, name: "linearTop1", title: "linear top-1" },
  { ...accuracy, name: "linearTop5", title: "linear top-5", curve: false },
  { ...accuracy, name: "classifierTop1", title: "classifier top-1" },
  { ...accuracy, name: "classifierTop5", title: "classifier top-5", curve: false },
  { ...accuracy, name: "transferScore", title: "score on the transfer set" },
  { ...accuracy, name: "boxAp", title: "box AP" },
  { ...accuracy, name: "maskAp", title: "mask AP" },
  { ...accuracy, name: "boxAp*", title: "box AP at one overlap", curve: false },
  { ...accuracy, name: "maskAp*", title: "mask AP at one overlap", curve: false },
  {
    ...{ name: "teacherEntropy", title: "teacher entropy", unit: "nats", when: "every step" },
    ...{ better: "neither", curve: true },
  },
  {
    ...{ name: "codeEntropy", title: "code entropy", unit: "nats", when: "every step" },
    ...{ better: "neither", curve: true },
  },
  {
    ...{ name: "deadPrototypes", title: "dead prototypes", unit: "fraction", when: "every step" },
    ...{ better: "lower", curve: true },
  },
  {
    ...{ name: "emptyClusters", title: "empty clusters", unit: "fraction", when: "every step" },
    ...{ better: "lower", curve: true },
  },
  {
    ...{ name: "regionEntropy", title: "region entropy", unit: "nats", when: "every step" },
    ...{ better: "neither", curve: true },
  },
  {
    ...{ name: "featureStd", title: "feature std", unit: "none", when: "every step" },
    ...{ better: "neither", curve: true },
  },
  {
    ...{ name: "projectionStd", title: "projection std", unit: "none", when: "every step" },
    ...{ better: "neither", curve: true },
  },
  {
    ...{ name: "alarm*", title: "alarm", unit: "none", when: "now and then", better: "lower" },
    curve: false,
  },
];

const patterns = metricTable.map((metric) => ({
  metric,
  pattern: new RegExp(`^${metric.name.replaceAll("*", "[A-Za-z0-9]*")}$`),
}));

/**
 * The line of a metric; `undefined` for a metric that is measured at every step and only recorded.
 */
export function metricOf(name: string): Metric | undefined {
  return patterns.find(({ pattern }) => pattern.test(name))?.metric;
}

/**
 * The title of a metric with its unit, for an axis: `loss (nats)`, `k-NN top-1 (%)`, `feature std`.
 */
export function metricLabel({ title, unit }: Metric): string {
  return { nats: `${title} (nats)`, fraction: `${title} (%)`, none: title }[unit];
}
