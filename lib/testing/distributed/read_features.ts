/**
 * Reads the features of images with the other processes of a world: `--images N --batch-size B`.
 * Process 0 prints a checksum of the features, and the labels. With `--stop-at N` its pause throws
 * after the N-th batch. All print what ends the reading, and whether they still hear each other.
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import process from "node:process";
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { anyOf } from "lib/distributed/agree.ts";
import { peersIn } from "lib/distributed/peers.ts";
import { joinWorld } from "lib/distributed/tensorflow_world.ts";
import { alone } from "lib/distributed/world.ts";
import { helpToRead, readFeatureBank } from "lib/eval/features/feature_source.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { bcSslConfig, createModel } from "lib/models/mod.ts";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "0" },
    "batch-size": { type: "string", default: "1" },
    "stop-at": { type: "string", default: "0" },
  },
});
const count = Number(values.images);
const peers = peersIn(process.env)!;
const joined = peers.addresses.length === 1 ? undefined : await joinWorld(peers);
const world = joined ?? alone;

const side = 16;
const rng = createRng(1);
const images = {
  name: "noise",
  height: side,
  width: side,
  pixels: Uint8Array.from({ length: count * side * side * 3 }, () => rng.int(256)),
  labels: Int32Array.from({ length: count }, (_, i) => i % 7 - 1), // −1 is no class
  classNames: ["a", "b", "c", "d", "e", "f"],
  ids: Array.from({ length: count }, (_, i) => `noise/${i}`),
};
const network = { ...bcSslConfig("nano", { kernelSize: 3 }), depths: [1, 1], dims: [8, 12] };
const model = createModel(network as typeof network & { depths: [number, number] }, rng);
const options = {
  ...{ stats: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] } as const, size: side },
  ...{ path: "no file", batchSize: Number(values["batch-size"]), world },
};

let left = Number(values["stop-at"]);
async function read(): Promise<unknown> {
  if (world.rank > 0) return await helpToRead(pooledFeatures(model), images, options);
  using bank = await readFeatureBank(pooledFeatures(model), images, options, () => {
    return --left === 0 ? Promise.reject(new Error("stopped")) : Promise.resolve();
  });
  const features = bank.rows(0, count);
  const { buffer, byteOffset, byteLength } = features;
  const hash = createHash("sha256").update(new Uint8Array(buffer, byteOffset, byteLength));
  return { features: hash.digest("hex"), dim: bank.dim, labels: [...bank.labels] };
}

const { numTensors } = tf.memory();
const result = await read().catch(({ name, message }) => ({ name, message }));
const leaked = tf.memory().numTensors - numTensors;
const heard = anyOf(world, world.rank === world.size - 1);
console.log(JSON.stringify({ result: result ?? null, heard, leaked }));
await joined?.leave();
Deno.exit(0);
