/** A run's folder, `outputs/<id>/`: config.json, metrics.jsonl, and the state in checkpoint.safetensors. */
import { dirname, fromFileUrl, join } from "@std/path";
import type { HistoryLine } from "lib/train/events.ts";
import { replaceFile } from "lib/train/replace_file.ts";
import { runId, type RunKey } from "lib/experiments/config.ts";

/** Where runs, figures and tables are written, unless `BCSSL_OUTPUTS` names another folder. */
export function outputsFolder(): string {
  return Deno.env.get("BCSSL_OUTPUTS") ||
    join(dirname(fromFileUrl(import.meta.url)), "..", "..", "outputs");
}

/** One run on disk. */
export interface RunFolder {
  readonly id: string;
  readonly path: string;
  readonly checkpoint: string;
}

/**
 * Makes or finds the folder of a run.
 *
 * @throws {Error} If it cannot be written; the message names it.
 */
export function openRun(key: RunKey): RunFolder {
  const id = runId(key);
  const path = join(outputsFolder(), id);
  try {
    Deno.mkdirSync(path, { recursive: true });
    const config = { id, scale: key.scale, seed: key.seed, ...key.config };
    replaceFile(join(path, "config.json"), JSON.stringify(config, null, 2) + "\n");
  } catch (error) {
    throw new Error(
      `Cannot write the run to ${path}: ${
        (error as Error).message
      }; free space, or set BCSSL_OUTPUTS`,
    );
  }
  return { id, path, checkpoint: join(path, "checkpoint.safetensors") };
}

/** Removes what a run has learnt; its folder stays. */
export function clearRun({ path, checkpoint }: RunFolder): void {
  for (const file of [checkpoint, join(path, "metrics.jsonl")]) {
    try {
      Deno.removeSync(file);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

export function hasCheckpoint({ checkpoint }: RunFolder): boolean {
  try {
    return Deno.statSync(checkpoint).isFile;
  } catch {
    return false;
  }
}

/**
 * The lines of metrics.jsonl up to and including `lastStep`. Lines after it, and a line cut short by a crash, are dropped: the run
 * goes on from its checkpoint and writes them again, the same.
 */
export function readHistory({ path }: RunFolder, lastStep: number): HistoryLine[] {
  let text = "";
  try {
    text = Deno.readTextFileSync(join(path, "metrics.jsonl"));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const lines: HistoryLine[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const { step, ...metrics } = JSON.parse(line) as { step: number } & Record<string, number>;
    if (step <= lastStep) addToHistory(lines, { step, metrics });
  }
  return lines;
}

/** Appends a line, or adds its metrics to the last one's if that is of the same step: a monitor comes after its step. */
export function addToHistory(history: HistoryLine[], { step, metrics }: HistoryLine): void {
  const last = history.at(-1);
  if (last?.step === step) {
    history[history.length - 1] = { step, metrics: { ...last.metrics, ...metrics } };
  } else history.push({ step, metrics });
}

/** Appends to metrics.jsonl, after rewriting it to hold just `history`. Close it when the run stops. */
export function openMetricsLog({ path }: RunFolder, history: readonly HistoryLine[]): MetricsLog {
  const file = join(path, "metrics.jsonl");
  replaceFile(file, history.map(toLine).join(""));
  const log = Deno.openSync(file, { append: true });
  const encoder = new TextEncoder();
  return {
    write: (line) => void log.writeSync(encoder.encode(toLine(line))),
    [Symbol.dispose]: () => log.close(),
  };
}

export interface MetricsLog extends Disposable {
  write(line: HistoryLine): void;
}

function toLine({ step, metrics }: HistoryLine): string {
  return JSON.stringify({ step, ...metrics }) + "\n";
}
