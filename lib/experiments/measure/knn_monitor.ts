/** The verb `knnMonitor`: the k-NN accuracy through the history of a run (the paper's Figure 3). */
import type { HistoryLine } from "lib/runs/events.ts";
import type { TrainResult } from "lib/experiments/runs/train_run.ts";

/** k-NN accuracy of the teacher at one step; fractions. */
export interface KnnPoint {
  /** Steps done when it was measured. */
  readonly step: number;
  /** Share of test images whose class has the most votes. */
  readonly top1: number;
  /** Share of test images whose class is among the five with most votes. */
  readonly top5: number;
}

/**
 * Course of the k-NN for one k. State which number you quote: the paper's 75.7 is the best of its
 * run, at epoch 260 of 300, not the last.
 */
export interface KnnCourse {
  /** Number of neighbours that vote. */
  readonly k: number;
  /** In the order of steps. */
  readonly points: readonly KnnPoint[];
  /** The last point. */
  readonly last: KnnPoint;
  /** The point with the highest top-1, the first of equal ones. */
  readonly best: KnnPoint;
}

/**
 * Collects the monitor's measurements of a run, for every k.
 *
 * @param run A result of `pretrain`, finished or not, or anything with a history.
 * @returns Empty if nothing was measured yet.
 *
 * @example
 * ```ts
 * import { bcSslStart, knnMonitor, pretrain } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const run = await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const course = knnMonitor(run).find(({ k }) => k === 20)!;
 * assertEquals(course.points.map(({ step }) => step), [4, 8, 12, 16]);
 * console.log(`${course.best.top1} at step ${course.best.step}, ${course.last.top1} at the end`);
 * ```
 */
export function knnMonitor({ history }: Pick<TrainResult, "history">): KnnCourse[] {
  return ksOf(history).map((k) => {
    const points = history.flatMap(({ step, metrics }) => {
      const [top1, top5] = [metrics[`knn${k}Top1`], metrics[`knn${k}Top5`]];
      return top1 === undefined ? [] : [{ step, top1, top5: top5 ?? NaN }];
    });
    const best = points.reduce((best, point) => point.top1 > best.top1 ? point : best);
    return { k, points, last: points.at(-1)!, best };
  });
}

/** All values of k that were measured, in order. */
function ksOf(history: readonly HistoryLine[]): number[] {
  const names = new Set(history.flatMap(({ metrics }) => Object.keys(metrics)));
  const ks = [...names].map((name) => Number(/^knn(\d+)Top1$/.exec(name)?.[1] ?? NaN));
  return ks.filter((k) => !Number.isNaN(k)).sort((a, b) => a - b);
}
