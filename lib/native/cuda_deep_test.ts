/**
 * The library for NVIDIA GPUs: nvcc compiles it, and TensorFlow loads it and knows its operations.
 * Skipped, and counted so, without an nvcc. That they compute on a GPU is what
 * `deno task gpu:check` finds out.
 */
import { buildCuda, findNvcc } from "lib/native/cuda_build.ts";
import { cudaOperations } from "lib/native/cuda.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const nvcc = await findNvcc();

/** Loads the library, and calls each operation on the CPU, for which it has no kernel. */
const program = `
  import * as tf from "lib/tf.ts";
  import { attr, tfOpOutputs } from "lib/tf_op.ts";
  Deno.dlopen(Deno.args[0], {});
  const x = tf.zeros([1, 3, 3, 2]), weight = tf.zeros([3, 3, 2, 1]);
  const attrs = { stride: attr.int(1), N: attr.int(0) };
  for (const name of JSON.parse(Deno.args[1])) {
    const inputs = name === "Depthwise" ? [x, weight] : [x, x, weight];
    try {
      tfOpOutputs("Bcssl" + name, inputs, attrs, 1);
      console.log(name + ": ran");
    } catch (error) {
      console.log(name + ": " + error.message.replaceAll("\\n", " "));
    }
  }
`;

Deno.test({
  name: "CUDA: nvcc compiles the kernels, and TensorFlow registers them for a GPU",
  ignore: nvcc === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const to = `${folder}/cuda.so`;
      await buildCuda(nvcc!, { to, arch: "-arch=sm_90" });
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", "--ext=ts", program, to, JSON.stringify(cudaOperations)],
        env: { BCSSL_ENGINE: "tensorflow", BCSSL_NATIVE: "off", NO_COLOR: "1" },
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assertEquals(code, 0, err);
      const lines = out!.trim().split("\n");
      assertEquals(lines.map((line) => line.split(":", 1)[0]), [...cudaOperations]);
      for (const line of lines) {
        assertTrue(/no|could not find/i.test(line) && /device='GPU'/.test(line), line);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
