/**
 * A whole `gpu:check` at small sizes on WebGPU, which a machine without a GPU computes on its CPU if
 * it has a software Vulkan such as Mesa's. Without an adapter it is skipped, and counted so.
 */
import "lib/tf.ts"; // before the adapter: TensorFlow ends a process that has loaded Mesa's Vulkan
import { checkGpu } from "lib/testing/gpu/checked.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { requestAdapter } from "lib/tf_adapter.ts";
import { speedCases } from "./speed_cases.ts";

Deno.test({
  name: "gpu:check passes at small sizes on WebGPU, with a table, a JSON and a verdict",
  ignore: await requestAdapter() === undefined,
  async fn() {
    const { code, lines, err, json } = await checkGpu("--engine", "webgpu", "--small");
    assertEquals([code, err], [0, ""], lines.join("\n"));
    assertTrue(lines.at(-1)!.startsWith("gpu:check passed on webgpu: "), lines.at(-1)!);
    assertEquals(lines.filter((line) => line.startsWith("ok ")).length, json.cases.length);
    assertEquals([json.passed, json.verdict], [true, lines.at(-1)]);
    assertEquals(json.speeds.length, speedCases("small").length);
    assertEquals(json.memory.map(({ step }: { step: number }) => step), [20, 40, 60]);
    assertEquals(json.about.engine.backend, "webgpu");
  },
});
