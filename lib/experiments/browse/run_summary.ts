/**
 * What a list says of each run: how far it is, whether it trains just now, its loss and its scores.
 */
import type { HistoryLine } from "lib/runs/events.ts";
import { ifThere } from "lib/runs/if_there.ts";
import { readMetrics } from "lib/runs/metrics_log.ts";
import { lockHolder } from "lib/runs/run_lock.ts";
import { folderOf, lockPath, metricsPath } from "lib/experiments/runs/run_folder.ts";
import { type ListedRun, listRuns, type SavedConfig } from "lib/experiments/runs/run_list.ts";
import type { ScoreAt } from "lib/experiments/runs/run_status.ts";
import { type ShippedRun, shippedRun } from "lib/experiments/runs/shipped.ts";

/** `training` while a process writes the run, `stopped` if it has steps left and nobody takes them. */
export type RunState = "training" | "finished" | "stopped";

/** The states that a run can be in. */
export const runStates: readonly RunState[] = ["training", "finished", "stopped"];

/** A line of a list of runs: plain data. */
export interface RunSummary {
  readonly id: string;
  /** Name of the config. */
  readonly config: string;
  /** How it is trained: `dino`, `byol`, …, `supervised` or `detector`. */
  readonly method: string;
  readonly seed: number;
  readonly scale: string;
  /** Of a run that trains, the newest step; of another, the step of its checkpoint. */
  readonly step: number;
  /** Absent before the first checkpoint. */
  readonly totalSteps?: number;
  readonly state: RunState;
  /** Loss of the newest step, in nats. */
  readonly loss?: number;
  /** The score of the run's monitor, a fraction: k-NN, or a detector's average precision. */
  readonly last?: ScoreAt;
  readonly best?: ScoreAt;
  readonly alarms: readonly string[];
  /** Minutes of training over all sessions, up to the last checkpoint. */
  readonly minutes?: number;
  /** Time of the newest step, ISO 8601. */
  readonly date: string;
  /** `here`: in `outputs/`; `shipped`: comes with the project. */
  readonly origin: "here" | "shipped";
}

/**
 * Describes all runs, the most recently trained first.
 *
 * @param warn Gets a line for each shipped run that is damaged; it is left out.
 */
export function runSummaries(warn?: (message: string) => void): RunSummary[] {
  return listRuns(warn).map(summarise).sort((a, b) => a.date < b.date ? 1 : -1);
}

function summarise(run: ListedRun): RunSummary {
  const { id, config, status, origin } = run;
  const newest = origin === "shipped" ? newestShipped(id) : newestHere(id);
  const trains = origin === "here" && lockHolder(lockPath(folderOf(id))) !== undefined;
  return {
    id,
    config: config.name,
    method: methodOf(config),
    seed: config.seed,
    scale: config.scale,
    step: Math.max(status?.step ?? 0, trains ? newest.step : 0),
    ...(status && { totalSteps: status.totalSteps, minutes: status.seconds / 60 }),
    state: trains ? "training" : status?.finished ? "finished" : "stopped",
    ...(newest.loss !== undefined && { loss: newest.loss }),
    ...(status?.last && { last: status.last }),
    ...(status?.best && { best: status.best }),
    alarms: status?.alarms ?? [],
    date: newest.date > run.date ? newest.date : run.date,
    origin,
  };
}

/** What a config has that only one way of training has. */
interface WayOfTraining extends SavedConfig {
  readonly recipe: SavedConfig["recipe"] & { readonly method?: string };
  /** Of detectors alone. */
  readonly pretrained?: unknown;
  /** Of pre-trainings alone: a supervised run has `sizes`. */
  readonly scales?: unknown;
}

function methodOf({ recipe, pretrained, scales }: WayOfTraining): string {
  if (pretrained !== undefined) return "detector";
  return scales === undefined ? "supervised" : recipe.method ?? "dino";
}

/** The newest step in a run's metrics, its loss and its time. */
interface Newest {
  readonly step: number;
  readonly loss?: number;
  /** ISO 8601; empty if there are no metrics. */
  readonly date: string;
}

const tailBytes = 1 << 14; // some sixty lines

/** Reads only the end of metrics.jsonl, which may be long. */
function newestHere(id: string): Newest {
  const path = metricsPath(folderOf(id));
  const file = ifThere(() => Deno.statSync(path));
  if (file === undefined) return { step: 0, date: "" };
  const lines: HistoryLine[] = [];
  readMetrics(path, Infinity, (line) => lines.push(line), Math.max(0, file.size - tailBytes));
  return {
    step: lines.at(-1)?.step ?? 0,
    ...lossOf(lines),
    date: file.mtime?.toISOString() ?? "",
  };
}

/** What was read of packages, which takes some ten milliseconds each. */
const newestOfShipped = new WeakMap<ShippedRun, Newest>();

function newestShipped(id: string): Newest {
  const run = shippedRun(folderOf(id))!;
  const known = newestOfShipped.get(run);
  if (known !== undefined) return known;
  const lines = run.history(["loss"]);
  const newest = { step: lines.at(-1)?.step ?? 0, ...lossOf(lines), date: "" };
  newestOfShipped.set(run, newest);
  return newest;
}

function lossOf(lines: readonly HistoryLine[]): Pick<Newest, "loss"> {
  const loss = lines.findLast(({ metrics }) => "loss" in metrics)?.metrics.loss;
  return typeof loss === "number" && Number.isFinite(loss) ? { loss } : {};
}
