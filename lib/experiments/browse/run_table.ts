/** Runs as text for a terminal: a table of them, and the differences of two configs. */
import type { ScoreAt } from "lib/experiments/runs/run_status.ts";
import { plural } from "lib/experiments/runs/in_turn.ts";
import type { ConfigRow } from "./config_diff.ts";
import type { SortKey } from "./choose_runs.ts";
import type { RunSummary } from "./run_summary.ts";

const none = "–";

/** A column of a list of runs. */
export interface RunColumn {
  readonly title: string;
  /** Whether it is aligned to the right, as numbers are. */
  readonly right?: boolean;
  /** What sorts the list by this column; absent if nothing does. */
  readonly sort?: SortKey;
  readonly text: (run: RunSummary, now: Date) => string;
}

/** The columns of a list of runs, in a terminal and on a page. */
export const runColumns: readonly RunColumn[] = [
  { title: "run", sort: "id", text: ({ id }) => id },
  { title: "config", sort: "config", text: ({ config }) => config },
  { title: "method", sort: "method", text: ({ method }) => method },
  { title: "seed", sort: "seed", right: true, text: ({ seed }) => String(seed) },
  { title: "scale", sort: "scale", text: ({ scale }) => scale },
  { title: "steps", sort: "step", right: true, text: progress },
  {
    title: "state",
    sort: "state",
    text: ({ state, alarms }) => alarms.length > 0 ? `${state} !` : state,
  },
  { title: "loss", sort: "loss", right: true, text: ({ loss }) => loss?.toPrecision(4) ?? none },
  { title: "k-NN last", sort: "last", right: true, text: ({ last }) => score(last) },
  { title: "best", sort: "best", right: true, text: ({ best }) => score(best) },
  { title: "age", sort: "age", right: true, text: ({ date }, now) => ageInWords(date, now) },
  { title: "origin", text: ({ origin }) => origin },
];

/**
 * A table with a line for each run, and their number.
 *
 * @param options.now The time that ages end at.
 * @param options.width Characters that a line may have: if they do not suffice, the names of
 *   configs are left out, with which the ids begin.
 */
export function runTable(
  runs: readonly RunSummary[],
  { now = new Date(), width = Infinity }: { readonly now?: Date; readonly width?: number } = {},
): string {
  const tableOf = (shown: readonly RunColumn[]) =>
    inColumns(
      [
        shown.map(({ title }) => title),
        ...runs.map((run) => shown.map(({ text }) => text(run, now))),
      ],
      (i) => shown[i]!.right,
    );
  const whole = tableOf(runColumns);
  const fits = whole.split("\n").every(({ length }) => length <= width);
  const table = fits ? whole : tableOf(runColumns.filter(({ title }) => title !== "config"));
  const states = [...Map.groupBy(runs, ({ state }) => state)]
    .map(([state, { length }]) => `${length} ${state}`);
  const alarm = runs.some(({ alarms }) => alarms.length > 0)
    ? "; ! has raised an alarm: deno task runs show names it"
    : "";
  const count = plural(runs.length, "run");
  return `${table}\n${runs.length > 0 ? `${count}: ${states.join(", ")}` : count}${alarm}`;
}

/** The differences of two configs, a line for each; a line says so if there is none. */
export function diffTable([a, b]: readonly [string, string], rows: readonly ConfigRow[]): string {
  const different = rows.filter(({ differs }) => differs);
  if (different.length === 0) return `The configs of ${a} and ${b} are the same`;
  const lines = different.map(({ path, values }) => [path, ...values.map((json) => json ?? none)]);
  return inColumns([["", a, b], ...lines]);
}

/** `12 s`, `5 min`, `3 h`, `8 d`: how long ago a time was. */
export function ageInWords(date: string, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - Date.parse(date)) / 1000);
  if (Number.isNaN(seconds)) return none;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 36 * 3600
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} d`;
}

/** A score in percent; a detector's, which is no k-NN, says so: `AP 12.3`. */
export function score(of: ScoreAt | undefined): string {
  if (of === undefined) return none;
  return `${of.metric === "knn20Top1" ? "" : "AP "}${(100 * of.value).toFixed(1)}`;
}

function progress({ step, totalSteps }: RunSummary): string {
  const total = totalSteps === undefined ? "?" : totalSteps.toLocaleString("en");
  return `${step.toLocaleString("en")}/${total}`;
}

/** Lines of cells, padded to columns two spaces apart. */
export function inColumns(
  rows: readonly (readonly string[])[],
  right: (column: number) => boolean | undefined = () => false,
): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => right(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
      .join("  ").trimEnd()
  ).join("\n");
}
