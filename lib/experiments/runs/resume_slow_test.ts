/** Exact resume: a run that is killed at thirty random moments ends with the very bits of one that is not. */
import { createRng } from "lib/rng.ts";
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import { addToHistory } from "lib/runs/history.ts";
import { readMetrics } from "lib/runs/metrics_log.ts";
import { speedNames } from "lib/runs/speed_meter.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/** What is killed, how often, and how many of the kills must hit a checkpoint in the writing for the test to mean something. */
const trials = [
  { verb: "pretrain", kills: 30, during: 5 },
  { verb: "supervised", kills: 12, during: 2 },
] as const;

/** Long enough that the last kills, too, find the run at work. */
const [epochs, stepsPerEpoch] = [150, 8];

/** Trains as soon as it is told to: the engine is loaded while the process before still runs. */
const program = (verb: string) => `
  import { bcSslStart, override, ${verb} } from "lib/experiments/mod.ts";
  const config = override(bcSslStart, {
    name: "killed",
    recipe: {
      model: { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], kernelSize: 3, dropPathRate: 0.2 },
      head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
      freezeLastLayerShare: 0.3,
    },
    scales: { smoke: { trainCount: 64, testCount: 32, batchSize: 8, epochs: ${epochs}, monitorEvery: 20 } },
  });
  await Deno.stdin.read(new Uint8Array(1));
  await ${verb}(config, { scale: "smoke", seed: 0, checkpointSeconds: 0 });`;

class Trainer {
  readonly #child: Deno.ChildProcess;

  constructor(verb: string, outputs: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["eval", program(verb)],
      env: { BCSSL_OUTPUTS: outputs },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async go(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new Uint8Array(1));
    await writer.close();
  }

  async end(): Promise<number> {
    return (await this.#child.status).code;
  }

  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch { /* it was through */ }
    await this.#child.status;
  }
}

/** Resolves when the n-th checkpoint from now begins to be written, or after `atMost` ms. */
async function checkpointBegins(outputs: string, n: number, atMost: number): Promise<void> {
  using watcher = Deno.watchFs(outputs);
  const timer = setTimeout(() => watcher.close(), atMost);
  try {
    for await (const { kind, paths } of watcher) {
      const begun = paths.some((path) => /checkpoint-\d+\.safetensors\.\d+\.partial$/.test(path));
      if (kind === "create" && begun && --n === 0) return;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The run in a folder: metrics without the speeds, and the bytes of the last and the best checkpoint. */
function outcome(outputs: string) {
  const [{ name }] = [...Deno.readDirSync(outputs)] as [Deno.DirEntry];
  const folder = `${outputs}/${name}`;
  const history: HistoryLine[] = [];
  readMetrics(`${folder}/metrics.jsonl`, Infinity, ({ step, metrics }) => {
    const kept = Object.entries(metrics).filter(([key]) => !(speedNames as string[]).includes(key));
    addToHistory(history, { step, metrics: Object.fromEntries(kept) }, 1);
  });
  const last = Deno.readFileSync(listCheckpoints(folder)[0]!.path);
  return { history, last, best: Deno.readFileSync(`${folder}/best.safetensors`) };
}

function halfWritten(outputs: string): boolean {
  return [...Deno.readDirSync(outputs)].some(({ name }) =>
    [...Deno.readDirSync(`${outputs}/${name}`)].some((file) =>
      /^checkpoint.*\.partial$/.test(file.name)
    )
  );
}

async function killAndCompare({ verb, kills, during }: typeof trials[number]): Promise<void> {
  const [calm, wild] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  const rng = createRng(0).fork("kills");
  let [next, duringWrite] = [new Trainer(verb, wild), 0];
  try {
    const undisturbed = new Trainer(verb, calm);
    await undisturbed.go();
    assertEquals(await undisturbed.end(), 0);
    Deno.mkdirSync(`${wild}/${[...Deno.readDirSync(calm)][0]!.name}`); // to be watched from the start
    for (let kill = 0; kill < kills; kill++) {
      const trainer = next;
      next = new Trainer(verb, wild);
      await trainer.go();
      if (kill % 2 === 0) await checkpointBegins(wild, 1 + rng.int(3), 3000);
      else await new Promise((resolve) => setTimeout(resolve, rng.int(800)));
      await trainer.kill();
      if (halfWritten(wild)) duringWrite++;
    }
    await next.go();
    assertEquals(await next.end(), 0);
    const [expected, actual] = [outcome(calm), outcome(wild)];
    assertEquals(actual.history.length, epochs * stepsPerEpoch);
    assertEquals(actual, expected);
    assertTrue(
      duringWrite >= during,
      `only ${duringWrite} of ${kills} kills hit a checkpoint in the writing`,
    );
  } finally {
    await next.kill();
    for (const folder of [calm, wild]) Deno.removeSync(folder, { recursive: true });
  }
}

for (const trial of trials) {
  Deno.test(
    `killed ${trial.kills} times, also in the middle of a checkpoint, ${trial.verb} has the bits of an undisturbed run`,
    () => killAndCompare(trial),
  );
}
