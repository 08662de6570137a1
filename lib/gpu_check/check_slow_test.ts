/** What `gpu:check` says where it cannot check. A whole check is in `check_deep_test.ts`. */
import { checkGpu } from "lib/testing/gpu/checked.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("gpu:check on CUDA, where there is none, says so and fails", async () => {
  const { code, lines, json } = await checkGpu("--engine", "cuda", "--small");
  if (json.about?.engine.device === "GPU") return; // this machine has one
  assertEquals([code, json.passed, json.cases.length], [1, false, 0]);
  assertTrue(lines.at(-1)!.startsWith("gpu:check FAILED on cuda: 0 of 0"), lines.at(-1)!);
  assertTrue(lines.some((line) => line.includes("there is no GPU for cuda")), lines.join("\n"));
});

Deno.test("gpu:check names the engines there are, and refuses a GPU that is no number", async () => {
  const [engine, gpu] = [await checkGpu("--engine", "metal"), await checkGpu("--gpu", "first")];
  assertEquals([engine.code, gpu.code], [1, 1]);
  assertEquals(engine.err.trim(), 'Cannot check engine "metal": there are webgpu, cuda');
  assertTrue(gpu.err.startsWith('Cannot take GPU "first": need its number'), gpu.err);
});
