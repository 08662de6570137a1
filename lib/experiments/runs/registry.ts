/**
 * Tables of all runs in `outputs/` and of those that come with the project, as polars frames, to
 * filter, compare and plot. Also the metrics of one run, as a frame or a Parquet file.
 */
import { join } from "@std/path";
import pl from "nodejs-polars";
import { faultPoint } from "lib/runs/fault_points.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import { readMetrics } from "lib/runs/metrics_log.ts";
import { type ListedRun, listRuns, type SavedConfig } from "./run_list.ts";
import type { ScoreAt } from "./run_status.ts";
import { shippedRun } from "./shipped.ts";
import { metricsPath, outputsFolder, readJson, type RunFolder } from "./run_folder.ts";

/**
 * A table of polars, with `filter`, `sort`, `toRecords` and all that polars' documentation
 * describes.
 */
export type DataFrame = ReturnType<typeof import("nodejs-polars")["default"]["DataFrame"]>;

/**
 * A table with a row for each run, the most recently trained first: `id`, `name`, `arch`,
 * `kernelSize`, `batchNorm`, `dataset`, `scale`, `seed`, `step`, `totalSteps`, `finished`,
 * `lastKnn` at `lastKnnStep` and `bestKnn` at `bestKnnStep` (k = 20, fractions), `alarms`,
 * `minutes` of training, `date`, `origin`: `here` for a run in `outputs/`, `shipped` for one that
 * comes with the project and is not trained here. Values that a run does not have are null.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain, runs } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { run } = await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const rows = runs().select("id", "arch", "step", "finished", "lastKnn").toRecords();
 * const row = rows.find(({ id }) => id === run)!;
 * assertEquals([row.step, row.finished], [16, true]);
 * ```
 */
export function runs(): DataFrame {
  const rows = listRuns().map(rowOf);
  const columns = Object.entries(types).map(([name, type]) =>
    pl.Series(name, rows.map((row) => row[name as keyof Row] ?? null), type)
  );
  return pl.DataFrame(columns);
}

/**
 * A table of a run's metrics with a row for each step: `step`, `loss`, …. The k-NN is null where it
 * was not measured; the speeds are there about once a second. It also works while the run is being
 * trained. A shipped run has no speeds, and of more than 20,000 steps it has an even sample.
 *
 * @throws {Error} If neither `outputs/` nor the project has such a run, or a shipped one is
 *   damaged.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain, runHistory } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { run } = await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const history = runHistory(run);
 * assertEquals(history.height, 16); // a row for each step
 * console.log(history.select("step", "loss", "knn20Top1").toString());
 * ```
 */
export function runHistory(id: string): DataFrame {
  const folder = { id, path: join(outputsFolder(), id) };
  const shipped = shippedRun(folder);
  if (shipped !== undefined) return frameOf((onLine) => shipped.history().forEach(onLine));
  if (readJson(join(folder.path, "config.json")) !== undefined) return metricsFrame(folder);
  throw new Error(`Cannot find run "${id}" in ${outputsFolder()}: runs() lists those there are`);
}

/** Writes metrics.parquet beside metrics.jsonl. */
export function writeParquet(folder: RunFolder): void {
  const path = join(folder.path, "metrics.parquet");
  const partial = `${path}.${Deno.pid}.partial`;
  metricsFrame(folder).writeParquet(partial);
  faultPoint("table written", path);
  Deno.renameSync(partial, path);
}

function metricsFrame(folder: RunFolder): DataFrame {
  return frameOf((onLine) => readMetrics(metricsPath(folder), Infinity, onLine));
}

/**
 * A table with a row for each step.
 *
 * @param read Calls its argument with each line, in order; a step may have several.
 */
function frameOf(read: (onLine: (line: HistoryLine) => void) => void): DataFrame {
  const steps: number[] = [];
  const columns = new Map<string, (number | null)[]>();
  read(({ step, metrics }) => {
    if (steps.at(-1) !== step) steps.push(step);
    for (const [name, value] of Object.entries(metrics)) {
      const column = columns.get(name) ?? [];
      while (column.length < steps.length - 1) column.push(null);
      column[steps.length - 1] = value;
      columns.set(name, column);
    }
  });
  const series = [...columns].map(([name, column]) => {
    while (column.length < steps.length) column.push(null);
    return pl.Series(name, column, pl.Float64);
  });
  return pl.DataFrame([pl.Series("step", steps, pl.Int64), ...series]);
}

const types = {
  id: pl.Utf8,
  name: pl.Utf8,
  arch: pl.Utf8,
  kernelSize: pl.Int64,
  batchNorm: pl.Bool,
  dataset: pl.Utf8,
  scale: pl.Utf8,
  seed: pl.Int64,
  step: pl.Int64,
  totalSteps: pl.Int64,
  finished: pl.Bool,
  lastKnn: pl.Float64,
  lastKnnStep: pl.Int64,
  bestKnn: pl.Float64,
  bestKnnStep: pl.Int64,
  alarms: pl.Utf8,
  minutes: pl.Float64,
  date: pl.Utf8,
  origin: pl.Utf8,
};

type Row = { readonly [K in keyof typeof types]?: unknown };

function rowOf({ id, config, status, origin, date }: ListedRun): Row {
  const { model } = config.recipe;
  const [last, best] = [knnOf(status?.last), knnOf(status?.best)];
  return {
    id,
    name: config.name,
    arch: model.arch,
    kernelSize: "kernelSize" in model ? model.kernelSize : null,
    batchNorm: "batchNorm" in model ? model.batchNorm : null,
    dataset: datasetName(config.data),
    scale: config.scale,
    seed: config.seed,
    step: status?.step ?? 0,
    totalSteps: status?.totalSteps,
    finished: status?.finished ?? false,
    lastKnn: last?.value,
    lastKnnStep: last?.step,
    bestKnn: best?.value,
    bestKnnStep: best?.step,
    alarms: status?.alarms.join(" ") || null,
    minutes: status && status.seconds / 60,
    date,
    origin,
  };
}

/** A score, if it is that of a k-NN. A detector has another kind of score. */
function knnOf(score: ScoreAt | undefined): ScoreAt | undefined {
  return score?.metric === "knn20Top1" ? score : undefined;
}

/** `fashion-mnist, placed`: the kind, then what else the config says. */
function datasetName({ kind, ...rest }: SavedConfig["data"]): string {
  const details = Object.entries(rest).flatMap(([name, value]) =>
    value === true ? [name] : typeof value === "string" ? [value] : []
  );
  return [kind, ...details].join(", ");
}
