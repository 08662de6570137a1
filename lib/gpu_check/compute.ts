/**
 * A process of the check that computes all cases on one engine, chosen by `BCSSL_ENGINE` and
 * `CUDA_VISIBLE_DEVICES`: `compute.ts small|full FOLDER`. The numbers go into the folder.
 */
import * as tf from "lib/tf.ts";
import { describeEngine, describeEnvironment } from "lib/experiments/runs/environment.ts";
import { requestAdapter } from "lib/tf_adapter.ts";
import { checkCases } from "./all_cases.ts";
import type { CaseTensors, CheckCase, Sizes } from "./check_case.ts";
import { fileOf, type Message } from "./messages.ts";

function say(message: Message): void {
  console.log(JSON.stringify(message));
}

/** What the device has complained about since the last case. */
const complaints: string[] = [];

/** Without a listener, a shader that does not compile computes nothing and says nothing. */
function listen(): void {
  const { device } = tf.backend() as unknown as { readonly device: EventTarget };
  device.addEventListener("uncapturederror", (event) => {
    complaints.push((event as unknown as { error: Error }).error.message);
  });
}

/** What WebGPU says of its device; absent where TensorFlow computes. */
async function adapterInfo(): Promise<Record<string, string> | undefined> {
  if (tf.engine().backend !== "webgpu") return undefined;
  const { vendor, architecture, device, description } = (await requestAdapter())!.info;
  return { vendor, architecture, device, description };
}

/** Reads tensors, frees them, and writes their numbers one after the other. */
async function write(tensors: CaseTensors, path: string) {
  const names = Object.keys(tensors);
  const values: Float32Array[] = [];
  for (const tensor of Object.values(tensors)) {
    values.push(Float32Array.from(await tensor.data()));
  }
  const total = values.reduce((sum, { length }) => sum + length, 0);
  const all = new Float32Array(total);
  let from = 0;
  const places = names.map((name, i) => {
    all.set(values[i]!, from);
    const place = { shape: tensors[name]!.shape, from };
    from += values[i]!.length;
    return [name, place];
  });
  tf.dispose(Object.values(tensors));
  await Deno.writeFile(path, new Uint8Array(all.buffer));
  return Object.fromEntries(places);
}

async function compute(one: CheckCase, index: number, folder: string): Promise<Message> {
  const began = performance.now();
  try {
    const tensors = await write(await one.compute(), fileOf(folder, index));
    const heard = complaints.splice(0);
    if (heard.length > 0) throw new Error(`the device complained: ${heard[0]}`);
    return { computed: index, tensors, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    return { failed: index, error: `${(error as Error).message}`.split("\n", 1)[0]! };
  }
}

if (import.meta.main) {
  const [sizes, folder] = Deno.args as [Sizes, string];
  const adapter = await adapterInfo();
  if (adapter) listen();
  const cases = checkCases(sizes);
  say({
    engine: tf.engine(),
    words: describeEngine(),
    ...(adapter && { adapter }),
    environment: await describeEnvironment(),
    cases: cases.map(({ part, name, tolerance }) => ({ part, name, tolerance })),
  });
  for (const [index, one] of cases.entries()) say(await compute(one, index, folder));
}
