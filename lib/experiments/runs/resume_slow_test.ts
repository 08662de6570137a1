/**
 * Tests exact resume: a run that is killed at every fault point (`fault_points.ts`) ends with the
 * same bits as one that is not killed. The process kills itself by SIGKILL exactly at that point,
 * so the test does not depend on timing.
 */
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import type { FaultPoint } from "lib/runs/fault_points.ts";
import { addToHistory } from "lib/runs/history.ts";
import { readMetrics } from "lib/runs/metrics_log.ts";
import { speedNames } from "lib/runs/speed_meter.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/** One process of a run, and where it is killed. */
interface Kill {
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

const checkpoint = "/checkpoint-";
const half = /^checkpoint-\d+\.safetensors\.\d+\.partial$/m;

/**
 * The monitor runs after steps 4, 8, …; the first one's checkpoint is the best so far, whatever it
 * measures.
 */
const monitorEvery = 4;
/** Steps of the run: three epochs of eight. */
const totalSteps = 24;

/**
 * What is trained: the verb `pretrain` by DINO and by DeepCluster-v2, which acts before each epoch,
 * and the verb `supervised`.
 */
type Kind = "pretrain" | "deepcluster" | "supervised";

const kills: Readonly<Record<Kind, readonly Kill[]>> = {
  pretrain: [
    { at: "lock taken", until: 1, leaves: /^lock$/ },
    { at: "file half written", file: "/config.json", until: 1, leaves: /^config\.json.*partial$/m },
    { at: "line half written", pass: 2, until: 2 },
    { at: "file opened", file: checkpoint, until: 2, leaves: half },
    { at: "file half written", file: checkpoint, until: 2, leaves: half },
    { at: "file written", file: checkpoint, until: 2, leaves: half },
    { at: "file flushed", file: checkpoint, until: 2, leaves: half },
    { at: "file renamed", file: checkpoint, until: 2, leaves: /^checkpoint-\d+\.safetensors$/m },
    { at: "file half written", file: "/status.json", until: 3, leaves: /^status\.json.*partial$/m },
    { at: "monitor begun", until: monitorEvery },
    { at: "monitor recorded", until: monitorEvery },
    { at: "best linked", until: monitorEvery, leaves: /^best\.safetensors\.\d+\.partial$/m },
    { at: "best renamed", until: monitorEvery + 1, leaves: /^best\.safetensors$/m },
    { at: "old checkpoint removed", until: 7 },
    { at: "file half written", file: "/environment.json", until: 8 },
    { at: "event half written", until: 9 },
    { at: "step begun", pass: 2, until: 11 },
    { at: "line written", pass: 2, until: 13 },
    { at: "table written", until: 14, leaves: /^metrics\.parquet\.\d+\.partial$/m },
  ],
  deepcluster: [
    { at: "epoch prepared", until: 2 }, // step 0: the memory is filled and clustered, nothing saved
    { at: "step begun", pass: 2, until: 2 },
    { at: "file half written", file: checkpoint, until: 3, leaves: half },
    { at: "epoch begun", until: 9 }, // between the first epoch's last step and the second's first
    { at: "epoch prepared", until: 10 },
    { at: "step begun", until: 11 },
    { at: "line half written", pass: 4, until: 13 },
    { at: "epoch prepared", until: 18 },
  ],
  supervised: [
    { at: "step begun", pass: 2, until: 2 },
    { at: "file half written", file: checkpoint, until: 2, leaves: half },
    { at: "line half written", pass: 2, until: 3 },
    { at: "monitor recorded", until: monitorEvery },
    { at: "best linked", until: monitorEvery, leaves: /^best\.safetensors\.\d+\.partial$/m },
  ],
};

/** The config of each kind, the file that it is in, and its settings. */
const configs: Readonly<
  Record<Kind, { readonly of: string; readonly file: string; readonly recipe: object }>
> = {
  pretrain: {
    of: "bcSslStart",
    file: "notebook_runs.ts",
    recipe: {
      head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
      freezeLastLayerShare: 0.3,
    },
  },
  deepcluster: {
    of: "deepClusterStart",
    file: "method_runs.ts",
    recipe: { head: { hiddenDim: 16, outDim: 8, prototypes: [8, 6, 4] } },
  },
  get supervised() {
    return this.pretrain;
  },
};

const program = (kind: Kind) => {
  const verb = kind === "supervised" ? "supervised" : "pretrain";
  const { of, file, recipe } = configs[kind];
  return `
  import { override } from "lib/experiments/configs/config.ts";
  import { ${verb} } from "lib/experiments/pretrain/${verb}.ts";
  import { ${of} } from "lib/experiments/configs/${file}";
  import { onFaultPoint } from "lib/runs/fault_points.ts";
  const { at, file = "", pass = 1, until: untilStep } = JSON.parse(Deno.args[0]);
  let passes = 0;
  onFaultPoint((point, path) => {
    if (point === at && path.includes(file) && ++passes === pass) Deno.kill(Deno.pid, "SIGKILL");
  });
  const config = override(${of}, {
    name: "killed",
    recipe: {
      model: { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], kernelSize: 3, dropPathRate: 0.2 },
      ...${JSON.stringify(recipe)},
    },
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
};

/** Trains in a process of its own, and returns how that ended: by itself or by a signal. */
async function train(kind: Kind, outputs: string, kill: Partial<Kill>): Promise<string> {
  const { code, signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program(kind), JSON.stringify(kill)],
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
 * best checkpoint.
 */
function outcome(outputs: string) {
  const folder = runIn(outputs);
  const history: HistoryLine[] = [];
  readMetrics(`${folder}/metrics.jsonl`, Infinity, ({ step, metrics }) => {
    const kept = Object.entries(metrics).filter(([key]) => !(speedNames as string[]).includes(key));
    addToHistory(history, { step, metrics: Object.fromEntries(kept) }, 1);
  });
  const last = Deno.readFileSync(listCheckpoints(folder)[0]!.path);
  return { history, last, best: Deno.readFileSync(`${folder}/best.safetensors`) };
}

async function killAndCompare(kind: Kind): Promise<void> {
  const [calm, wild] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    assertEquals(await train(kind, calm, {}), "finished");
    for (const kill of kills[kind]) {
      const { at, file = "any file", leaves = /./ } = kill;
      assertEquals(await train(kind, wild, kill), "SIGKILL", `${at} (${file}) was not reached`);
      assertTrue(leaves.test(files(wild)), `killed at ${at}, it left ${files(wild)}`);
    }
    assertEquals(await train(kind, wild, {}), "finished");
    assertTrue(!files(wild).includes("partial"), files(wild));
    const [expected, actual] = [outcome(calm), outcome(wild)];
    assertEquals(actual.history.length, totalSteps);
    assertEquals(actual, expected);
  } finally {
    for (const folder of [calm, wild]) Deno.removeSync(folder, { recursive: true });
  }
}

for (const kind of ["pretrain", "deepcluster", "supervised"] as const) {
  Deno.test(
    `killed at ${kills[kind].length} named places, ${kind} has the bits of an undisturbed run`,
    () => killAndCompare(kind),
  );
}
