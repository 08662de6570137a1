/**
 * A small DINO run on WebGPU, which a machine without a GPU computes on its CPU if it has a software
 * Vulkan such as Mesa's. Without an adapter the tests are skipped, and counted as skipped.
 */
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { override } from "lib/experiments/configs/config.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import type { HistoryLine } from "lib/runs/events.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { withVariables } from "lib/testing/outputs.ts";
import { requestAdapter } from "lib/tf_adapter.ts";

/** Twenty steps of a network with few weights. */
const tiny = override(bcSslStart, {
  name: "webgpu",
  recipe: {
    model: { depths: [1], dims: [8], kernelSize: 3 },
    head: { hiddenDim: 12, bottleneckDim: 6, outDim: 16 },
    crops: { globalSize: 16, localSize: 8, localCrops: 1 },
  },
  scales: { smoke: { trainCount: 80, testCount: 16, batchSize: 4, epochs: 1, monitorEvery: 20 } },
});
const steps = 20;
const half = 10;
/** The batch at whose beginning the GPU is lost. */
const lostAt = 12;

/** What the process on WebGPU says. */
interface OnWebGpu {
  readonly engine: string;
  readonly whole: readonly HistoryLine[];
  readonly resumed: readonly HistoryLine[];
  /** Numbers of tensors and bytes in use, after every 20 steps. */
  readonly memory: readonly (readonly number[])[];
  /** The message of the run whose GPU is lost. */
  readonly lost: string;
}

/** Runs with outputs in the folders `a`, `b` and `c`; in `b` there is a checkpoint of the CPU's. */
const program = `
  import * as tf from "lib/tf.ts";
  import { pretrain } from "lib/experiments/pretrain/pretrain.ts";
  import { createRng } from "lib/rng.ts";
  import { onFaultPoint } from "lib/runs/fault_points.ts";
  import { firstWeights } from "lib/ssl/method/network.ts";
  import { trainByMethod } from "lib/ssl/method/train.ts";
  import { createMethod } from "lib/ssl/methods.ts";
  import { formula } from "lib/testing/formula.ts";

  const [folder, config, lostAt] = JSON.parse(Deno.args[0]);
  const train = (name, options = {}) => {
    Deno.env.set("BCSSL_OUTPUTS", folder + "/" + name);
    return pretrain(config, { scale: "smoke", seed: 0, ...options });
  };
  const whole = (await train("a")).history;
  const resumed = (await train("b")).history;

  const crops = { ...config.recipe.crops, localCrops: 0 };
  const recipe = { ...config.recipe, crops, optimizer: "sgd", clipNorm: 0, batchSize: 4, epochs: 1 };
  const { globalSize: G } = crops;
  const source = {
    count: 4 * 60,
    prefetch() {},
    next: (_, step) => Promise.resolve({
      images: 4,
      global: Float32Array.from(formula("global " + step % 5, 8 * G * G * 3)),
      local: new Float32Array(0),
    }),
  };
  const method = createMethod(recipe, firstWeights(createRng(0)), source.count);
  const training = { method, optimizer: new Map() };
  const memory = [];
  for await (const { step } of trainByMethod(training, source, recipe, { rng: createRng(1), done: 0 })) {
    if (step % 12 === 0) memory.push([tf.memory().numTensors, tf.memory().numBytes]);
  }

  let begun = 0;
  onFaultPoint((point) => {
    if (point === "step begun" && ++begun === lostAt) tf.backend().device.destroy();
  });
  const lost = await train("c", { checkpointSeconds: 0 }).then(() => "", (error) => error.message);
  console.log(JSON.stringify({ engine: tf.engine().backend, whole, resumed, memory, lost }));
`;

const hasAdapter = await requestAdapter() !== undefined;
const folder = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** Trains on the CPU. */
async function onCpu(name: string, untilStep?: number): Promise<readonly HistoryLine[]> {
  const outputs = { BCSSL_OUTPUTS: `${folder}/${name}`, BCSSL_SHIPPED: "none" };
  const options = { scale: "smoke", seed: 0, untilStep } as const;
  return (await withVariables(outputs, () => pretrain(tiny, options))).history;
}

let ran: Promise<OnWebGpu> | undefined;

/** What the process on WebGPU says; all tests read it from the one. */
function onWebGpu(): Promise<OnWebGpu> {
  return ran ??= (async () => {
    await onCpu("b", half);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", program, JSON.stringify([folder, tiny, lostAt])],
      env: { BCSSL_ENGINE: "webgpu", BCSSL_SHIPPED: "none", NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, err);
    return JSON.parse(out!);
  })();
}

/** Fails unless all metrics of all steps agree to 1e-4. */
function assertSame(actual: readonly HistoryLine[], expected: readonly HistoryLine[]): void {
  assertEquals(actual.map(({ step }) => step), expected.map(({ step }) => step));
  actual.forEach(({ step, metrics }, i) => {
    assertEquals(Object.keys(metrics), Object.keys(expected[i]!.metrics));
    for (const [name, value] of Object.entries(expected[i]!.metrics)) {
      // Features that differ in the last digit can have another nearest neighbour, and α-ReQ is a
      // slope of the logarithms of eigenvalues that are nearly 0.
      if (name.startsWith("knn") || name === "alphaReQ") continue;
      const gap = Math.abs(metrics[name]! - value) / Math.max(1, Math.abs(value));
      assertTrue(gap < 1e-4, `step ${step}: ${name} is ${metrics[name]}, not ${value}`);
    }
  });
}

Deno.test({
  name: "WebGPU: twenty steps of DINO are the CPU's to 1e-4",
  ignore: !hasAdapter,
  async fn() {
    const { engine, whole } = await onWebGpu();
    assertEquals([engine, whole.length], ["webgpu", steps]);
    assertSame(whole, await onCpu("cpu"));
  },
});

Deno.test({
  name: "WebGPU: a run that was saved on the CPU goes on with the CPU's numbers",
  ignore: !hasAdapter,
  async fn() {
    assertSame((await onWebGpu()).resumed, await onCpu("cpu"));
  },
});

Deno.test({
  name: "WebGPU: sixty steps need as much memory as twelve",
  ignore: !hasAdapter,
  async fn() {
    const { memory } = await onWebGpu();
    assertEquals(memory.length, 5);
    assertEquals(memory, memory.map(() => memory[0]!));
  },
});

Deno.test({
  name: "WebGPU: a GPU that is lost ends the run with one message, and its last checkpoint stands",
  ignore: !hasAdapter,
  async fn() {
    const { lost } = await onWebGpu();
    assertTrue(/^Lost the GPU \(.*\): nothing can be computed in this process/.test(lost), lost);
    assertTrue(lost.endsWith("start it again, and a run goes on from its last checkpoint"), lost);
    const [run] = [...Deno.readDirSync(`${folder}/c`)].filter(({ isDirectory }) => isDirectory);
    // Which steps were saved depends on how long saving takes.
    const saved = listCheckpoints(`${folder}/c/${run!.name}`).map(({ step }) => step);
    assertTrue(saved.length > 0 && saved.every((step) => step < lostAt), `saved: ${saved}`);
    assertSame(await onCpu("c"), await onCpu("cpu"));
  },
});
