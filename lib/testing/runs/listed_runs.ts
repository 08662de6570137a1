/** Small folders of runs, written by hand in no time, for tests of what lists and draws runs. */
import { join } from "@std/path";
import type { HistoryLine } from "lib/runs/events.ts";
import { encodeHistory } from "lib/runs/history_columns.ts";
import { packRun } from "lib/runs/run_package.ts";

/** A run to write. */
export interface WrittenRun {
  readonly id: string;
  readonly seed?: number;
  readonly scale?: string;
  /** Added to config.json. */
  readonly config?: object;
  /** Added to the recipe. */
  readonly recipe?: object;
  /** Steps that have metrics: the loss is 5 − step / 100, the k-NN is there every tenth step. */
  readonly steps: number;
  readonly totalSteps?: number;
  /** Added to status.json; `null` writes none. */
  readonly status?: object | null;
  /** Time of its last checkpoint. */
  readonly updated?: string;
}

/** The metrics of some steps, `from` not included. */
export function linesOf(from: number, to: number): HistoryLine[] {
  return Array.from({ length: to - from }, (_, i) => {
    const step = from + i + 1;
    const knn: Record<string, number> = step % 10 === 0 ? { knn20Top1: 0.3 + step / 1000 } : {};
    return { step, metrics: { loss: 5 - step / 100, gradNorm: 1, ...knn } };
  });
}

/** The text of metrics.jsonl for some steps. */
export function logOf(from: number, to: number): string {
  return linesOf(from, to)
    .map(({ step, metrics }) => JSON.stringify({ step, ...metrics }) + "\n").join("");
}

function headerOf(run: WrittenRun) {
  const { id, steps, totalSteps = steps, seed = 0, scale = "smoke" } = run;
  const config = {
    id,
    scale,
    seed,
    name: id.replace(/-[^-]*$/, ""),
    data: { kind: "emoji" },
    scales: {},
    recipe: { model: { arch: "convnext", kernelSize: 7 }, lr: 0.001, ...run.recipe },
    ...run.config,
  };
  const scoredAt = steps - steps % 10;
  const value = 0.3 + scoredAt / 1000;
  const score = scoredAt > 0 ? { metric: "knn20Top1", value, step: scoredAt } : undefined;
  const status = {
    step: steps,
    totalSteps,
    finished: steps === totalSteps,
    seconds: 90,
    ...(score && { last: score, best: score }),
    alarms: [],
    updated: run.updated ?? "2026-11-01T12:00:00.000Z",
    ...run.status,
  };
  return { config, status };
}

/** Writes a run as training leaves it, with 1,000 bytes for a checkpoint. */
export function writeRun(outputs: string, run: WrittenRun): void {
  const folder = join(outputs, run.id);
  Deno.mkdirSync(folder, { recursive: true });
  const { config, status } = headerOf(run);
  const files: Record<string, string | undefined> = {
    "config.json": JSON.stringify(config),
    "status.json": run.status === null ? undefined : JSON.stringify(status),
    "metrics.jsonl": logOf(0, run.steps),
    "environment.json": JSON.stringify({ sessions: [session] }),
    "checkpoint-00000001.safetensors": "0".repeat(1000),
    lock: "",
  };
  for (const [name, text] of Object.entries(files)) {
    if (text !== undefined) Deno.writeTextFileSync(join(folder, name), text);
  }
  // A list takes the newest of two times; this one is that of the checkpoint.
  Deno.utimeSync(join(folder, "metrics.jsonl"), 0, 0);
}

/** Writes a run as it comes with the project. */
export function shipWrittenRun(folder: string, run: WrittenRun): void {
  const { code, bytes } = encodeHistory(linesOf(0, run.steps));
  const header = { ...headerOf(run), sessions: [session], history: code };
  Deno.mkdirSync(folder, { recursive: true });
  const packed = packRun({ header, parts: new Map([["history", bytes]]) });
  Deno.writeFileSync(join(folder, `${run.id}.run`), packed);
}

const session = {
  fromStep: 0,
  began: "2026-11-01T11:00:00.000Z",
  versions: {},
  cpu: "a processor",
  threads: 2,
  commit: "0123456789abcdef",
};
