/**
 * A sum of many tensors on WebGPU. tfjs binds all summands to one shader, of which a device accepts
 * seven beside the result; with more, the shader is refused and the result holds whatever was in its
 * memory.
 */
import * as tf from "@tensorflow/tfjs-core";

/** Replaces the kernel of `tf.addN` by one that adds as many at a time as a shader may read. */
export function addInGroups(): void {
  const original = tf.getKernel("AddN", "webgpu")!;
  const { limits } = (tf.backend() as unknown as { readonly device: GPUDevice }).device;
  const most = limits.maxStorageBuffersPerShaderStage - 1;
  tf.unregisterKernel("AddN", "webgpu");
  tf.registerKernel({
    ...original,
    kernelFunc({ inputs, ...rest }) {
      const sum = (summands: readonly tf.TensorInfo[]) => {
        const named = summands as unknown as tf.NamedTensorInfoMap; // an array, as tfjs itself gives
        return original.kernelFunc({ inputs: named, ...rest }) as tf.TensorInfo;
      };
      const all = inputs as unknown as readonly tf.TensorInfo[];
      let total = sum(all.slice(0, most));
      for (let next = most; next < all.length; next += most - 1) {
        const before = total;
        total = sum([before, ...all.slice(next, next + most - 1)]);
        tf.backend().disposeData(before.dataId);
      }
      return total;
    },
  });
}
