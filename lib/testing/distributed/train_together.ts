/**
 * One process of a tiny run, which may kill or stop itself at a fault point: `--rank R --signal S
 * --at POINT --file PART --pass N`. Prints the result as JSON, or the error's message.
 */
import { parseArgs } from "node:util";
import process from "node:process";
import { peersIn } from "lib/distributed/peers.ts";
import { joinWorld } from "lib/distributed/tensorflow_world.ts";
import { onFaultPoint } from "lib/runs/fault_points.ts";
import { override } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
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
  },
});

/** Eight steps of twelve images; the monitor measures after steps 3, 6 and 8. */
const tiny = override(bcSslStart, {
  name: "together",
  recipe: {
    model: { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], kernelSize: 3, dropPathRate: 0.2 },
    head: { hiddenDim: 16, bottleneckDim: 8, outDim: 32 },
  },
  scales: { smoke: { trainCount: 48, testCount: 32, batchSize: 12, epochs: 2, monitorEvery: 3 } },
});

const peers = peersIn(process.env)!;
const world = peers.addresses.length === 1
  ? undefined
  : await joinWorld(peers, { patience: 10, startSeconds: 120 });
if (values.rank === String(peers.rank)) {
  let left = Number(values.pass);
  onFaultPoint((point, path) => {
    if (point !== values.at || !path.includes(values.file) || --left > 0) return;
    Deno.kill(Deno.pid, values.signal as Deno.Signal);
  });
}
try {
  const result = await pretrain(tiny, {
    scale: "smoke",
    seed: 0,
    checkpointSeconds: 0,
    untilStep: Number(values.until ?? Infinity),
    onWarning: (message) => console.error(message),
    world,
  });
  console.log(JSON.stringify(result));
  await world?.leave();
  Deno.exit(0);
} catch (error) {
  console.log((error as Error).message);
  await world?.leave(error);
  Deno.exit(1);
}
