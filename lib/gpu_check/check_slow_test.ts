/**
 * A whole `gpu:check` at small sizes on WebGPU, which a machine without a GPU computes on its CPU if
 * it has a software Vulkan such as Mesa's. Without an adapter it is skipped, and counted so.
 */
import "lib/tf.ts"; // before the adapter: TensorFlow ends a process that has loaded Mesa's Vulkan
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { requestAdapter } from "lib/tf_adapter.ts";
import { speedCases } from "./speed_cases.ts";

/** Runs the task, and returns what it says and the JSON that it writes. */
async function check(...args: string[]) {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${import.meta.dirname}/check_task.ts`;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", path, ...args],
      env: { BCSSL_OUTPUTS: folder, NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    const file = `${folder}/gpu-check-${args.includes("cuda") ? "cuda" : "webgpu"}.json`;
    const json = await Deno.readTextFile(file).then(JSON.parse, () => undefined);
    return { code, lines: out!.trimEnd().split("\n"), err: err!, json };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "gpu:check passes at small sizes on WebGPU, with a table, a JSON and a verdict",
  ignore: await requestAdapter() === undefined,
  async fn() {
    const { code, lines, err, json } = await check("--engine", "webgpu", "--small");
    assertEquals([code, err], [0, ""], lines.join("\n"));
    assertTrue(lines.at(-1)!.startsWith("gpu:check passed on webgpu: "), lines.at(-1)!);
    assertEquals(lines.filter((line) => line.startsWith("ok ")).length, json.cases.length);
    assertEquals([json.passed, json.verdict], [true, lines.at(-1)]);
    assertEquals(json.speeds.length, speedCases("small").length);
    assertEquals(json.memory.map(({ step }: { step: number }) => step), [20, 40, 60]);
    assertEquals(json.about.engine.backend, "webgpu");
  },
});

Deno.test("gpu:check on CUDA, where there is none, says so and fails", async () => {
  const { code, lines, json } = await check("--engine", "cuda", "--small");
  if (json.about?.engine.device === "GPU") return; // this machine has one
  assertEquals([code, json.passed, json.cases.length], [1, false, 0]);
  assertTrue(lines.at(-1)!.startsWith("gpu:check FAILED on cuda: 0 of 0"), lines.at(-1)!);
  assertTrue(lines.some((line) => line.includes("there is no GPU for cuda")), lines.join("\n"));
});

Deno.test("gpu:check names the engines there are, and refuses a GPU that is no number", async () => {
  const [engine, gpu] = [await check("--engine", "metal"), await check("--gpu", "first")];
  assertEquals([engine.code, gpu.code], [1, 1]);
  assertEquals(engine.err.trim(), 'Cannot check engine "metal": there are webgpu, cuda');
  assertTrue(gpu.err.startsWith('Cannot take GPU "first": need its number'), gpu.err);
});
