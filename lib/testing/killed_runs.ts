/**
 * Runs that are killed at fault points (`fault_points.ts`) and must end with the bits of a run that
 * was not. The process kills itself by SIGKILL exactly at that point, so nothing depends on timing.
 */
import { listCheckpoints, listSnapshots } from "lib/runs/checkpoints.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import type { FaultPoint } from "lib/runs/fault_points.ts";
import { addToHistory } from "lib/runs/history.ts";
import { readMetrics } from "lib/runs/metrics_log.ts";
import { speedNames } from "lib/runs/speed_meter.ts";
import { projectFolder } from "lib/paths.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/** One process of a run, and where it is killed. */
export interface Kill {
  readonly at: FaultPoint;
  /** The file that is being written then. By default, any. */
  readonly file?: string;
  /** Number of the visit to the fault point, from 1. By default, the first. */
  readonly pass?: number;
  /**
   * The step to train to. It is larger than that of all earlier processes, so that each has steps
   * to take and a last checkpoint to write.
   */
  readonly until: number;
  /** Files that the killed process leaves in the run's folder. */
  readonly leaves?: RegExp;
}

/** What is trained: a config of the project, made small. */
export interface KilledRun {
  /** By default `pretrain`. */
  readonly verb?: "pretrain" | "supervised";
  /** Name of the config. */
  readonly config: string;
  /** The file in `lib/experiments/configs` that exports it. */
  readonly file: string;
  /** Changes to its recipe. */
  readonly recipe: object;
}

/**
 * The monitor runs after steps 4, 8, …; the first one's checkpoint is the best so far, whatever it
 * measures.
 */
export const monitorEvery = 4;
/** Steps of a run: three epochs of eight. */
const totalSteps = 24;

/** A network of a few hundred weights. */
export const fewChannels = {
  depths: [1, 1, 1, 1],
  dims: [8, 8, 8, 8],
  kernelSize: 3,
  dropPathRate: 0.2,
};

/** A part of the path of every checkpoint. */
export const checkpoint = "/checkpoint-";
/** Matches the name of a checkpoint that was half written. */
export const half = /^checkpoint-\d+\.safetensors\.\d+\.partial$/m;

/** A small run of DINO. */
export const byDino: KilledRun = {
  config: "bcSslStart",
  file: "notebook_runs.ts",
  recipe: {
    model: fewChannels,
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
    freezeLastLayerShare: 0.3,
  },
};

const denoConfig = `${projectFolder}/deno.json`; // of a program in another folder

const program = ({ verb = "pretrain", config, file, recipe }: KilledRun) => `
  import { override } from "lib/experiments/configs/config.ts";
  import { ${verb} } from "lib/experiments/pretrain/${verb}.ts";
  import { ${config} } from "lib/experiments/configs/${file}";
  import { onFaultPoint } from "lib/runs/fault_points.ts";
  const { at, file = "", pass = 1, until: untilStep } = JSON.parse(Deno.args[0]);
  let passes = 0;
  onFaultPoint((point, path) => {
    if (point === at && path.includes(file) && ++passes === pass) Deno.kill(Deno.pid, "SIGKILL");
  });
  const config = override(${config}, {
    name: "killed",
    recipe: ${JSON.stringify(recipe)},
    scales: {
      smoke: {
        trainCount: 64,
        testCount: 32,
        batchSize: 8,
        epochs: ${totalSteps / 8},
        monitorEvery: ${monitorEvery},
      },
    },
  });
  await ${verb}(config, { scale: "smoke", seed: 0, checkpointSeconds: 0, untilStep });`;

/**
 * Trains in a process of its own, and returns how that ended: by itself or by a signal.
 *
 * @param path The program's file: Deno keeps the compiled modules of a file that it runs, but not
 *   those of `eval`.
 */
async function train(path: string, outputs: string, kill: Partial<Kill>): Promise<string> {
  const { code, signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", denoConfig, path, JSON.stringify(kill)],
    env: { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: "none" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (signal === null && code !== 0) return new TextDecoder().decode(stderr);
  return signal ?? "finished";
}

/** The files of the run in a folder, a line each. */
function files(outputs: string): string {
  return [...Deno.readDirSync(runIn(outputs))].map(({ name }) => name).sort().join("\n");
}

function runIn(outputs: string): string {
  const [{ name }] = [...Deno.readDirSync(outputs)] as [Deno.DirEntry];
  return `${outputs}/${name}`;
}

/**
 * The results of the run in a folder: metrics without speeds, and the bytes of the last and the
 * best checkpoint and of all snapshots.
 */
function outcome(outputs: string) {
  const folder = runIn(outputs);
  const history: HistoryLine[] = [];
  readMetrics(`${folder}/metrics.jsonl`, Infinity, ({ step, metrics }) => {
    const kept = Object.entries(metrics).filter(([key]) => !(speedNames as string[]).includes(key));
    addToHistory(history, { step, metrics: Object.fromEntries(kept) }, 1);
  });
  const last = Deno.readFileSync(listCheckpoints(folder)[0]!.path);
  const snapshots = listSnapshots(folder).map(({ path }) => Deno.readFileSync(path));
  return { history, last, best: Deno.readFileSync(`${folder}/best.safetensors`), snapshots };
}

/** Kills a run at each place in turn, lets it end, and compares it with an undisturbed one. */
export async function killAndCompare(run: KilledRun, kills: readonly Kill[]): Promise<void> {
  const [calm, wild] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(path, program(run));
    assertEquals(await train(path, calm, {}), "finished");
    for (const kill of kills) {
      const { at, file = "any file", leaves = /./ } = kill;
      assertEquals(await train(path, wild, kill), "SIGKILL", `${at} (${file}) was not reached`);
      assertTrue(leaves.test(files(wild)), `killed at ${at}, it left ${files(wild)}`);
    }
    assertEquals(await train(path, wild, {}), "finished");
    assertTrue(!files(wild).includes("partial"), files(wild));
    const [expected, actual] = [outcome(calm), outcome(wild)];
    assertEquals(actual.history.length, totalSteps);
    assertEquals(actual, expected);
  } finally {
    for (const place of [calm, wild, path]) Deno.removeSync(place, { recursive: true });
  }
}
