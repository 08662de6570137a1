/** Which runs of a list a person means: by filters, in an order, and by shortened ids. */
import { metricOf } from "lib/runs/metric_table.ts";
import { closestOption } from "lib/schema/closest_option.ts";
import type { RunState, RunSummary } from "./run_summary.ts";

/** The filters of a list; an absent one lets all runs pass. */
export interface RunFilter {
  /** Names of configs; `*` stands for any letters. */
  readonly configs?: readonly string[];
  readonly state?: RunState;
  readonly scale?: string;
  readonly seeds?: readonly number[];
}

/** The runs that pass all filters. */
export function filterRuns(
  runs: readonly RunSummary[],
  { configs, state, scale, seeds }: RunFilter,
): RunSummary[] {
  const patterns = configs?.map(patternOf);
  return runs.filter((run) =>
    (patterns?.some((pattern) => pattern.test(run.config)) ?? true) &&
    (state === undefined || run.state === state) &&
    (scale === undefined || run.scale === scale) &&
    (seeds?.includes(run.seed) ?? true)
  );
}

/** A pattern as a person writes it: `*` stands for any letters. */
function patternOf(text: string): RegExp {
  return new RegExp(`^${text.split("*").map(RegExp.escape).join(".*")}$`);
}

type SortValue = string | number | undefined;

/** What a list can be sorted by. Numbers begin with the largest, except the seed. */
const sortKeys = {
  age: ({ date }) => -Date.parse(date),
  id: ({ id }) => id,
  config: ({ config }) => config,
  method: ({ method }) => method,
  scale: ({ scale }) => scale,
  state: ({ state }) => state,
  seed: ({ seed }) => seed,
  step: ({ step }) => -step,
  loss: ({ loss }) => loss,
  last: ({ last }) => last && -last.value,
  best: ({ best }) => best && -best.value,
} satisfies Record<string, (run: RunSummary) => SortValue>;

/** A name of what a list can be sorted by. */
export type SortKey = keyof typeof sortKeys;

/** The names of what a list can be sorted by. */
export const sortNames = Object.keys(sortKeys) as readonly SortKey[];

/**
 * Sorts a list: by age, the newest first; scores and steps, the highest first; losses, the lowest
 * first. Runs without the value come last, and equal runs stay in their order.
 */
export function sortRuns(runs: readonly RunSummary[], by: SortKey): RunSummary[] {
  const valueOf: (run: RunSummary) => SortValue = sortKeys[by];
  return runs.toSorted((a, b) => compare(valueOf(a), valueOf(b)));
}

function compare(a: SortValue, b: SortValue): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The `count` best runs by a metric, the best first; runs that have not measured it are left out.
 *
 * @param valueOf The value of the metric that a run is ranked by; `undefined` if it has none.
 * @throws {RangeError} If the metric has no better direction, or no run has measured it.
 */
export function bestRuns(
  runs: readonly RunSummary[],
  { count, metric, valueOf }: {
    readonly count: number;
    readonly metric: string;
    readonly valueOf: (run: RunSummary) => number | undefined;
  },
): RunSummary[] {
  const sign = betterSign(metric);
  const ranked = runs.flatMap((run) => {
    const value = valueOf(run);
    return value === undefined ? [] : [{ run, value: sign * value }];
  });
  if (ranked.length === 0 && runs.length > 0) {
    throw new RangeError(`Cannot rank by ${metric}: none of the ${runs.length} runs measured it`);
  }
  return ranked.sort((a, b) => b.value - a.value).slice(0, count).map(({ run }) => run);
}

/** 1 if higher values of a metric are better, −1 if lower ones are. */
function betterSign(metric: string): 1 | -1 {
  const better = metricOf(metric)?.better;
  if (better === "higher") return 1;
  if (better === "lower") return -1;
  throw new RangeError(
    `Cannot rank by ${metric}: no values of it are known to be better; use knn20Top1, loss, rankMe, …`,
  );
}

/**
 * The runs that a person names: by their ids, by the beginning of an id that only one run has, or
 * by a pattern in which `*` stands for any letters. Each run once, in the order of the names.
 *
 * @throws {RangeError} If a name fits no run, or a beginning several.
 */
export function findRuns(runs: readonly RunSummary[], names: readonly string[]): RunSummary[] {
  return [...new Set(names.flatMap((name) => runsNamed(runs, name)))];
}

function runsNamed(runs: readonly RunSummary[], name: string): RunSummary[] {
  const exact = runs.find(({ id }) => id === name);
  if (exact) return [exact];
  const isPattern = name.includes("*");
  const pattern = patternOf(isPattern ? name : `${name}*`);
  const fitting = runs.filter(({ id }) => pattern.test(id));
  if (fitting.length === 1 || (isPattern && fitting.length > 0)) return fitting;
  const ids = runs.map(({ id }) => id);
  throw new RangeError(`Cannot find run "${name}": ${noRun(name, fitting, ids)}`);
}

const mostNamed = 6;

/** Why a name fits no single run, and what to write instead. */
function noRun(name: string, fitting: readonly RunSummary[], ids: readonly string[]): string {
  if (fitting.length > 1) {
    const named = fitting.slice(0, mostNamed).map(({ id }) => id);
    const more = fitting.length - named.length;
    return `${fitting.length} ids begin so, ${named.join(", ")}${
      more > 0 ? ` and ${more} more` : ""
    }; write more of it, or ${name}* for all`;
  }
  const closest = closestOption(name, ids);
  return `there is none; ${closest ? `did you mean ${closest}?` : "deno task runs lists them"}`;
}
