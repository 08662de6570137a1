/** The curves of runs as the output of a cell, which needs no server and survives export. */
import { findRuns } from "lib/experiments/browse/choose_runs.ts";
import { type ConfigRow, configRows } from "lib/experiments/browse/config_diff.ts";
import { configOf } from "lib/experiments/browse/run_details.ts";
import { RunHistories } from "lib/experiments/browse/run_histories.ts";
import { runSummaries, type RunSummary } from "lib/experiments/browse/run_summary.ts";
import { inColumns, runColumns } from "lib/experiments/browse/run_table.ts";
import { plural } from "lib/experiments/runs/in_turn.ts";
import { megabytes } from "lib/runs/megabytes.ts";
import { sha256 } from "lib/runs/run_package.ts";
import { categorical, toPng, toSvg } from "lib/report/draw/plot.ts";
import { escapeText } from "lib/report/draw/text.ts";
import { trainingCurves } from "lib/report/figures/training_curves.ts";
import { show } from "lib/report/notebook/jupyter.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { curvesOf, type DrawnRun, measuredMetrics } from "./curve_data.ts";
import { asset, scripts } from "./page.ts";

/** Options of {@linkcode showRuns}. */
export interface ShowRunsOptions {
  /** Name of the metric that is drawn first; by default the loss. */
  readonly metric?: string;
}

/**
 * Shows curves of runs, as `deno task runs --web` does, but as they are now: metrics can be chosen,
 * runs be left out, and values be read under the pointer or by the arrow keys; below them stand the
 * runs, and where their configs differ. The output holds its data, and works in an exported page; a
 * viewer that runs no scripts shows the table, or a picture of the curves of up to eight runs.
 *
 * @param names Ids of runs, beginnings of ids, or patterns in which `*` stands for any letters;
 *   runs that come with the project count too. By default all.
 * @throws {RangeError} If a name fits no run, no run has measured the metric, or the output would
 *   have more than 1 MB.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain } from "lib/experiments/mod.ts";
 * import { showRuns } from "lib/report/mod.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const { run } = await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * assertTrue(run.startsWith("start-"), "the beginning of an id suffices, if it is the only one");
 * await showRuns([run], { metric: "knn20Top1" });
 * ```
 */
export async function showRuns(
  names: readonly string[] = ["*"],
  options: ShowRunsOptions = {},
): Promise<void> {
  await show(await runsOutput(findRuns(runSummaries(), names), options));
}

const maxBytes = 1_000_000; // of an output
const mostPoints = 160; // of a curve
const mostInPicture = 8; // runs whose names have room above the picture's panels

/**
 * The output of {@linkcode showRuns}.
 *
 * @throws {RangeError} If no run has measured the metric, or it would have more than 1 MB.
 */
export async function runsOutput(
  runs: readonly RunSummary[],
  { metric = "loss" }: ShowRunsOptions = {},
): Promise<DisplayData> {
  const histories = new RunHistories();
  const drawn = runs.map((run) => ({ id: run.id, history: histories.of(run) }));
  const output = {
    "text/html": outputHtml(runs, dataOf(drawn, metric)),
    ...(runs.length <= mostInPicture && { "image/png": await pictureOf(drawn) }),
    "text/plain": tableText(runs),
  };
  const bytes = Object.values(output).reduce((sum, text) => sum + text.length, 0);
  if (bytes <= maxBytes) return output;
  throw new RangeError(
    `Cannot show ${runs.length} runs in one output: it would have ${
      megabytes(bytes)
    } MB, at most 1 is allowed; name fewer runs`,
  );
}

/** What `drawCell` of cell.js draws. */
function dataOf(drawn: readonly DrawnRun[], metric: string) {
  const metrics = measuredMetrics(drawn);
  if (!metrics.some(({ name }) => name === metric)) {
    const names = metrics.map(({ name }) => name).join(", ");
    throw new RangeError(
      `Cannot show ${metric} of ${plural(drawn.length, "run")}, with ${names || "no metrics"}`,
    );
  }
  const curves = metrics.map(({ name }) => [name, curvesOf(drawn, name, mostPoints)] as const);
  return { metric, metrics, curves: Object.fromEntries(curves) };
}

async function pictureOf(drawn: readonly DrawnRun[]): Promise<string> {
  return (await toPng(toSvg(trainingCurves(drawn)), { colours: 16 })).toBase64();
}

/**
 * The columns of the list, but for the age, which would soon be wrong, and the name of the config,
 * with which the id begins.
 */
const columns = runColumns.filter(({ title }) => !["age", "config"].includes(title));
const now = new Date(0); // only the age would ask for it

function tableText(runs: readonly RunSummary[]): string {
  const cells = runs.map((run) => columns.map(({ text }) => text(run, now)));
  return inColumns([columns.map(({ title }) => title), ...cells], (i) => columns[i]!.right);
}

function outputHtml(runs: readonly RunSummary[], data: object): string {
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  const name = sha256(new TextEncoder().encode(json)).slice(0, 12);
  return `<div class="bcssl-runs bcssl-cell" data-runs="${name}">` +
    `<style>${asset("runs.css")}</style><div class="bar"></div><div class="curves"></div>` +
    `<div class="scroll">${runsTable(runs)}</div>${configsHtml(runs)}` +
    `<script>(() => {\n${scripts("cell.js")}\ndrawCell("${name}", ${json});\n})();</script></div>`;
}

function runsTable(runs: readonly RunSummary[]): string {
  const align = (i: number) => columns[i]!.right ? ' class="right"' : "";
  const head = columns.map(({ title }, i) => `<th${align(i)}>${title}</th>`).join("");
  const rows = runs.map((run, slot) => {
    const [id, ...others] = columns.map(({ text }) => escapeText(text(run, now)));
    const number = `<span class="number" style="--line: var(--c${slot % categorical.length})">${
      slot + 1
    }</span>`;
    const box = `<label><input type="checkbox" checked disabled>${number}${id}</label>`;
    const cells = others.map((text, i) => `<td${align(i + 1)}>${text}</td>`).join("");
    return `<tr class="chosen"><td>${box}</td>${cells}</tr>`;
  });
  return tableOf(head, rows);
}

/** What differs between the configs; nothing for a single run. */
function configsHtml(runs: readonly RunSummary[]): string {
  if (runs.length < 2) return "";
  const differing = configRows(runs.map(configOf)).filter(({ differs }) => differs);
  const heads = runs.map(({ id }, i) => `<th>${i + 1} ${escapeText(id)}</th>`).join("");
  const cell = (json: string | undefined) => `<td>${escapeText(json ?? "–")}</td>`;
  const line = ({ path, values }: ConfigRow) =>
    `<tr><td>${escapeText(path)}</td>${values.map(cell).join("")}</tr>`;
  const table = tableOf(`<th></th>${heads}`, differing.map(line), "config-table");
  return `<details><summary>Configs: what differs (${differing.length})</summary>` +
    `<div class="scroll">${table}</div></details>`;
}

function tableOf(head: string, rows: readonly string[], name = "run-table"): string {
  return `<table class="${name}"><thead><tr>${head}</tr></thead><tbody>${
    rows.join("")
  }</tbody></table>`;
}
