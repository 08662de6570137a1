/** The points of a curve: as many values of a run's metric as a drawing has room for. */
import type { HistoryLine } from "./events.ts";

/** A point of a curve: the mean over some neighbouring steps. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
}

/**
 * The finite values of one metric in at most `most` points, each the mean of equally many values.
 *
 * @param options.factor The values are multiplied by it: 100 for percent of a fraction.
 */
export function curvePoints(
  history: readonly HistoryLine[],
  metric: string,
  { most, factor = 1 }: { readonly most: number; readonly factor?: number },
): CurvePoint[] {
  const all: CurvePoint[] = [];
  for (const { step, metrics } of history) {
    const value = metrics[metric];
    if (value !== undefined && Number.isFinite(value)) all.push({ step, value: value * factor });
  }
  const size = Math.ceil(all.length / most);
  if (size <= 1) return all;
  // the last point also stands for the remainder: a mean of few values would stick out
  const count = Math.floor(all.length / size);
  return Array.from({ length: count }, (_, i) => {
    const part = all.slice(i * size, i === count - 1 ? undefined : (i + 1) * size);
    const mean = (pick: (point: CurvePoint) => number) =>
      part.reduce((sum, point) => sum + pick(point), 0) / part.length;
    return { step: mean((p) => p.step), value: mean((p) => p.value) };
  });
}
