/** All that is known of one run, as text: progress, scores, files, where it was trained, config. */
import { join } from "@std/path";
import { duration } from "lib/runs/duration.ts";
import { megabytes } from "lib/runs/megabytes.ts";
import { lockHolder } from "lib/runs/run_lock.ts";
import type { Session } from "lib/experiments/runs/environment.ts";
import { folderOf, lockPath, readJson } from "lib/experiments/runs/run_folder.ts";
import type { ScoreAt } from "lib/experiments/runs/run_status.ts";
import { shippedRun, type ShippedSession } from "lib/experiments/runs/shipped.ts";
import { configRows } from "./config_diff.ts";
import { folderBytes } from "./delete_runs.ts";
import type { RunSummary } from "./run_summary.ts";
import { inColumns } from "./run_table.ts";

/** The config of a run, as config.json has it. */
export function configOf({ id, origin }: RunSummary): object {
  const folder = folderOf(id);
  if (origin === "shipped") return shippedRun(folder)?.config ?? {};
  return readJson<object>(join(folder.path, "config.json")) ?? {};
}

/** A run in full, a line for each fact, then its config by dotted paths. */
export function runDetails(run: RunSummary): string {
  const rows = configRows([configOf(run)]).map(({ path, values }) => [path, values[0]!]);
  return `${inColumns(factsOf(run))}\n\nconfig\n${inColumns(rows)}`;
}

function factsOf(run: RunSummary): string[][] {
  const { id, state, step, totalSteps, minutes, loss, last, best, alarms, date, origin } = run;
  const folder = folderOf(id);
  const writer = origin === "here" ? lockHolder(lockPath(folder)) : undefined;
  const place = origin === "here"
    ? `${folder.path}, ${megabytes(folderBytes(folder.path))} MB`
    : "comes with the project";
  return [
    ["run", id],
    ["state", writer ? `${state}: ${writer}` : state],
    ["steps", `${step} of ${totalSteps ?? "an unknown number"}`],
    ...(minutes === undefined ? [] : [["trained", duration(60 * minutes)]]),
    ...(loss === undefined ? [] : [["loss", loss.toPrecision(6)]]),
    ...(last ? [["last score", scoreInWords(last)]] : []),
    ...(best ? [["best score", scoreInWords(best)]] : []),
    ...(alarms.length > 0 ? [["alarms", alarms.join(" ")]] : []),
    ["newest step", date],
    ["where", place],
    ...sessionsOf(run).map((session, i) => [i === 0 ? "sessions" : "", sessionInWords(session)]),
  ];
}

/** `knn20Top1 0.7310 at step 6240` */
function scoreInWords({ metric, value, step }: ScoreAt): string {
  return `${metric} ${value.toFixed(4)} at step ${step}`;
}

function sessionsOf({ id, origin }: RunSummary): readonly ShippedSession[] {
  const folder = folderOf(id);
  if (origin === "shipped") return shippedRun(folder)?.sessions ?? [];
  const file = join(folder.path, "environment.json");
  return readJson<{ sessions: Session[] }>(file)?.sessions ?? [];
}

/** `from step 0, 2026-11-29 23:39, on AMD EPYC, commit abc1234` */
function sessionInWords({ fromStep, began, gpu, cpu, commit }: ShippedSession): string {
  const when = began.slice(0, 16).replace("T", " ");
  const at = commit === undefined ? "" : `, commit ${commit.slice(0, 7)}`;
  return `from step ${fromStep}, ${when}, on ${gpu ?? cpu}${at}`;
}
