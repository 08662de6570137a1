/** Values over seeds as points of a figure, in percent, with a bar of ± 1 standard error. */
import { meanAndError } from "lib/stats/statistics.ts";

/** A point with its bar; without a bar, `low` and `high` equal `y`. */
export interface SeedPoint {
  /** Percent. */
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** Number of seeds; 0 for a printed number. */
  readonly n: number;
  /** Text under the pointer, where the SVG stands in a page. */
  readonly title: string;
}

/** Where values come from: a seed and the id of a run for each of them. */
export interface SeedOrigin {
  /** In the order of the values. */
  readonly seeds: readonly number[];
  /** Ids of the runs, in the same order. */
  readonly runs: readonly string[];
}

/**
 * Lines for the title of a point, one for each value: `seed 0: 24.12 %, start-0a629f95`; none
 * where the origin is not known.
 *
 * @param values In the unit, one for each seed.
 */
export function seedLines(
  values: readonly number[],
  { seeds, runs }: Partial<SeedOrigin>,
  unit = "%",
): string {
  if (seeds === undefined || seeds.length !== values.length) return "";
  return values.map((value, i) => {
    const run = runs?.[i] === undefined ? "" : `, ${runs[i]}`;
    return `\nseed ${seeds[i]}: ${value.toFixed(2)} ${unit}${run}`;
  }).join("");
}

/**
 * The mean over seeds with its error.
 *
 * @param values Fractions, one per seed.
 * @param what Begins the title: `BC-SSL, 9×9`.
 * @param origin Named in the title, if it is given.
 */
export function seedPoint(
  values: readonly number[],
  what: string,
  origin: Partial<SeedOrigin> = {},
): SeedPoint {
  const { mean, standardError, n } = meanAndError(values.map((value) => 100 * value));
  const error = Number.isNaN(standardError) ? 0 : standardError;
  const said = error > 0 ? ` ± ${error.toFixed(2)}` : "";
  const title = `${what}: ${mean.toFixed(2)}${said} %, ${n} ${n === 1 ? "seed" : "seeds"}` +
    seedLines(values.map((value) => 100 * value), origin);
  return { y: mean, low: mean - error, high: mean + error, n, title };
}

/** A number that the paper prints. */
export function printedPoint(value: number, what: string): SeedPoint {
  const y = 100 * value;
  return { y, low: y, high: y, n: 0, title: `the paper, ${what}: ${y.toFixed(2)} %` };
}

/**
 * The range from the lowest end of a bar to the highest, with a twentieth of room on both sides.
 */
export function extentOf(points: readonly SeedPoint[]): readonly [number, number] {
  const low = Math.min(...points.map((point) => point.low));
  const high = Math.max(...points.map((point) => point.high));
  const room = Math.max((high - low) / 20, 0.1);
  return [low - room, high + room];
}

// a joint axis this many times longer than a group's own axis would flatten the group
const apart = 3;

/** Whether groups of points are readable on one axis; empty groups do not count. */
export function shareAxis(groups: readonly (readonly SeedPoint[])[]): boolean {
  const lengthOf = (points: readonly SeedPoint[]) => {
    const [low, high] = extentOf(points);
    return high - low;
  };
  const lengths = groups.filter(({ length }) => length > 0).map(lengthOf);
  return lengths.length < 2 || lengthOf(groups.flat()) <= apart * Math.min(...lengths);
}

/**
 * A line that says what the marks stand for: `filled: ours, ± 1 s.e. of 3 seeds; hollow: the
 * paper`.
 */
export function keyOf(points: readonly SeedPoint[]): string {
  const counts = [...new Set(points.flatMap(({ n }) => n > 0 ? [n] : []))].sort((a, b) => a - b);
  const seeds = counts.length > 1 ? `${counts[0]} to ${counts.at(-1)}` : `${counts[0]}`;
  const [error, noun] = seeds === "1" ? ["", "seed"] : ["± 1 s.e. of ", "seeds"];
  return [
    ...counts.length > 0 ? [`filled: ours, ${error}${seeds} ${noun}`] : [],
    ...points.some(({ n }) => n === 0) ? ["hollow: the paper"] : [],
  ].join("; ");
}
