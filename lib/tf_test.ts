import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import * as tf from "lib/tf.ts";
import { requestAdapter } from "lib/tf_adapter.ts";

/** Loss and gradients of a small network with fixed weights, through the ops this project trains with. */
const program = `
  import * as tf from "lib/tf.ts";
  const wave = (shape: number[], step: number) =>
    tf.tensor(Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(step * i)), shape);
  const x = wave([2, 8, 8, 3], 0.7) as tf.Tensor4D;
  const [depthwise, dense] = [wave([3, 3, 3, 1], 0.3), wave([3, 4], 0.9)];
  const grads = tf.grads((a, b) => {
    const y = tf.depthwiseConv2d(x, a as tf.Tensor4D, 1, "same").mean([1, 2]);
    return tf.logSoftmax(y.matMul(b as tf.Tensor2D) as tf.Tensor).sum();
  })([depthwise, dense]);
  const numbers = await Promise.all(grads.map(async (g) => [...await g.data()]));
  console.log(JSON.stringify({ engine: tf.engine(), numbers: numbers.flat() }));
`;

async function runOn(
  engine: string,
  text = program,
  env: Readonly<Record<string, string>> = {},
) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", text],
    env: { BCSSL_ENGINE: engine, NO_COLOR: "1", ...env },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

const hasGpuAdapter = await requestAdapter() !== undefined;

Deno.test({
  name: "the WebGPU fallback computes TensorFlow's gradients, and says once that it is used",
  ignore: !hasGpuAdapter,
  async fn() {
    const [tensorflow, webgpu] = [await runOn("tensorflow"), await runOn("webgpu")];
    assertEquals([tensorflow.code, webgpu.code], [0, 0], webgpu.err);
    assertEquals(JSON.parse(webgpu.out).engine.backend, "webgpu");
    assertEquals(webgpu.err.match(/Computing on WebGPU/g)?.length, 1);
    assertClose(JSON.parse(webgpu.out).numbers, JSON.parse(tensorflow.out).numbers, 1e-4);
  },
});

Deno.test({
  name: "a shader that WebGPU refuses is said on stderr",
  ignore: !hasGpuAdapter,
  async fn() {
    const { err } = await runOn(
      "webgpu",
      `import * as tf from "lib/tf.ts";
      tf.backend().device.createShaderModule({ code: "fn main( {" });
      await tf.zeros([2000]).square().data();`,
    );
    assertTrue(err.includes("WebGPU refused a command"), err);
  },
});

Deno.test({
  name: "a read at once on WebGPU says what to do instead, unless the values are known",
  ignore: !hasGpuAdapter,
  async fn() {
    const { out } = await runOn(
      "webgpu",
      `import * as tf from "lib/tf.ts";
      const x = tf.ones([2000]);
      console.log(x.dataSync()[0]);
      try { x.square().dataSync(); } catch (error) { console.log(error.message); }`,
    );
    const [known, refused] = out.trim().split("\n");
    assertEquals(known, "1");
    assertEquals(refused, "Cannot read a tensor at once on WebGPU: `await tensor.data()` instead");
  },
});

Deno.test("TensorFlow's memory on a GPU grows as needed, and BCSSL_GPU chooses one GPU", async () => {
  const text = `import "lib/tf.ts";
    const names = ["TF_FORCE_GPU_ALLOW_GROWTH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"];
    console.log(JSON.stringify(names.map((name) => Deno.env.get(name) ?? null)));`;
  const read = async (env: Readonly<Record<string, string>>) =>
    JSON.parse((await runOn("tensorflow", text, env)).out);
  assertEquals(await read({ BCSSL_GPU: "1" }), ["true", "1", "PCI_BUS_ID"]);
  const own = { TF_FORCE_GPU_ALLOW_GROWTH: "false", CUDA_VISIBLE_DEVICES: "-1", BCSSL_GPU: "1" };
  assertEquals((await read(own)).slice(0, 2), ["false", "-1"]);
  const { code, err } = await runOn("tensorflow", text, { BCSSL_GPU: "first" });
  assertEquals(code, 1);
  assertTrue(err.includes('Cannot use BCSSL_GPU "first": need the number of one GPU'), err);
});

Deno.test("an engine that cannot be had is one error with the command that mends it", async () => {
  const { code, err } = await runOn("none");
  assertEquals(code, 1);
  assertTrue(err.includes('Cannot load an engine: BCSSL_ENGINE is "none"'), err);
});

Deno.test("engine() describes what computes", () => {
  const { backend, threads, versions } = tf.engine();
  assertEquals(backend, "tensorflow");
  assertTrue(threads >= 1, `threads: ${threads}`);
  assertTrue(/^\d+\.\d+/.test(versions.tensorflow ?? ""), `versions: ${JSON.stringify(versions)}`);
});

Deno.test("triedOn() says of a GPU what has been run on one, and of a CPU nothing", () => {
  assertEquals(tf.triedOn({ backend: "tensorflow", device: "CPU" }), undefined);
  const devices = [["tensorflow", "GPU"], ["webgpu", "NVIDIA"], ["webgpu", "llvmpipe (LLVM 15)"]];
  const said = devices.map(([backend, device]) => tf.triedOn({ backend, device } as tf.Engine)!);
  assertTrue(said[0]!.includes("not tried on a GPU yet"), said[0]!);
  assertTrue(said[1]!.includes("not on a real one yet"), said[1]!);
  assertTrue(said[2]!.includes("the fast tests run on Mesa's"), said[2]!);
});
