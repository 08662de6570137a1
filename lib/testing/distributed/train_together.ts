/**
 * One process of a tiny run. At a fault point it may kill or stop itself: `--rank R --signal S --at
 * POINT --file PART --pass N`; or, in the place of the signal, cut its network's link by `--cut LINK`,
 * or ask the run to stop by `--abort`.
 * `--gradients bf16` is the recipe's. With `--evaluate`, all processes then evaluate the run.
 * Prints the result as JSON, or the error's message; after it, the results of the evaluation.
 */
import { parseArgs } from "node:util";
import process from "node:process";
import * as tf from "lib/tf.ts";
import { peersIn } from "lib/distributed/peers.ts";
import { type JoinedWorld, joinWorld } from "lib/distributed/tensorflow_world.ts";
import { onFaultPoint } from "lib/runs/fault_points.ts";
import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { knn } from "lib/experiments/measure/knn_scores.ts";
import { linearProbe } from "lib/experiments/measure/linear_probe.ts";
import { pretrain } from "lib/experiments/pretrain/pretrain.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    until: { type: "string" },
    rank: { type: "string" },
    signal: { type: "string", default: "SIGKILL" },
    at: { type: "string" },
    file: { type: "string", default: "" },
    pass: { type: "string", default: "1" },
    cut: { type: "string" },
    abort: { type: "boolean", default: false },
    epochs: { type: "string", default: "2" },
    gradients: { type: "string" },
    evaluate: { type: "boolean", default: false },
    "start-seconds": { type: "string", default: "300" },
  },
});

/** Epochs of four steps of twelve images; the monitor measures after steps 3, 6, … and the last. */
const tiny = override(bcSslStart, {
  name: "together",
  recipe: {
    model: { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], kernelSize: 3, dropPathRate: 0.2 },
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
    ...(values.gradients === "bf16" && { gradients: "bf16" as const }),
  },
  scales: {
    smoke: {
      ...{ trainCount: 48, testCount: 32, batchSize: 12, monitorEvery: 3 },
      epochs: Number(values.epochs),
    },
  },
});

const stop = new AbortController();
const peers = peersIn(process.env)!;
const world = peers.addresses.length === 1 ? undefined : await joinOrEnd();
if (values.rank === String(peers.rank)) {
  let left = Number(values.pass);
  onFaultPoint((point, path) => {
    if (point !== values.at || !path.includes(values.file) || --left > 0) return;
    if (values.abort) stop.abort();
    else if (values.cut !== undefined) cut(values.cut);
    else Deno.kill(Deno.pid, values.signal as Deno.Signal);
  });
}
try {
  const result = await pretrain(tiny, {
    scale: "smoke",
    seed: 0,
    checkpointSeconds: 0,
    untilStep: Number(values.until ?? Infinity),
    onWarning: (message) => console.error(message),
    signal: stop.signal,
    world,
  });
  console.log(JSON.stringify(result));
  if (values.evaluate) console.log(JSON.stringify(await evaluate()));
  await world?.leave();
  Deno.exit(0);
} catch (error) {
  console.log((error as Error).message);
  await world?.leave(error);
  Deno.exit(1);
}

/** Joins the others, or prints why that cannot be done, and ends. */
async function joinOrEnd(): Promise<JoinedWorld> {
  try {
    return await joinWorld(peers, { patience: 10, startSeconds: Number(values["start-seconds"]) });
  } catch (error) {
    console.log((error as Error).message);
    Deno.exit(1);
  }
}

/** Takes down a link of this process's network, as when its cable is pulled out. */
function cut(link: string): void {
  const args = ["link", "set", link, "down"];
  const { success, stderr } = new Deno.Command("ip", { args }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Evaluates anew, and loads in a second call what the first has saved. */
async function evaluate() {
  const options = { scale: "smoke", seed: 0, world } as const;
  const probing = { ...options, epochs: 2, lrs: [0.01, 0.1], batchSize: 16 };
  const all = [
    await knn(tiny, { ...options, fresh: true }),
    await linearProbe(tiny, { ...probing, fresh: true }),
    await linearProbe(tiny, { ...probing, holdOut: 0.25, fresh: true }),
    await linearProbe(tiny, { ...probing, augment: true, fresh: true }),
    await linearProbe(tiny, { ...probing, of: "pixels", fresh: true }),
  ];
  const again = [await knn(tiny, options), await linearProbe(tiny, probing)];
  return { all, again, tensors: tf.memory().numTensors };
}
