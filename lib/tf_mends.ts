/** Mends kernels of tfjs's WebGPU backend that fail, or compute something else, and say nothing. */
import * as tf from "@tensorflow/tfjs-core";

/** Replaces the kernels in the registry of tfjs; the backend must be in use. */
export function mendKernels(): void {
  replace("AddN", addInGroups);
  replace("BatchMatMul", (original) => pairingBatches(inOnePiece(original)));
  replace("_FusedMatMul", inOnePiece);
  replace("MaxPoolGrad", toTheFirst);
  replace("UnsortedSegmentSum", sumOfNoSegment);
  for (const [name, value] of Object.entries(ofNothing)) {
    replace(name, (original) => reductionWith(original, value));
  }
}

type Run = tf.KernelConfig["kernelFunc"];

function replace(name: string, mended: (original: Run) => Run): void {
  const config = tf.getKernel(name, "webgpu")!;
  tf.unregisterKernel(name, "webgpu");
  tf.registerKernel({ ...config, kernelFunc: mended(config.kernelFunc) });
}

/**
 * A sum of many tensors adds as many at a time as a shader may read. tfjs binds all summands to one
 * shader, of which a device accepts seven beside the result; with more, the shader is refused and
 * the result holds whatever was in its memory.
 */
function addInGroups(original: Run): Run {
  const { limits } = (tf.backend() as unknown as { readonly device: GPUDevice }).device;
  const most = limits.maxStorageBuffersPerShaderStage - 1;
  return ({ inputs, ...rest }) => {
    const sum = (summands: readonly tf.TensorInfo[]) => {
      const named = summands as unknown as tf.NamedTensorInfoMap; // an array, as tfjs itself gives
      return original({ inputs: named, ...rest }) as tf.TensorInfo;
    };
    const all = inputs as unknown as readonly tf.TensorInfo[];
    let total = sum(all.slice(0, most));
    for (let next = most; next < all.length; next += most - 1) {
      const before = total;
      total = sum([before, ...all.slice(next, next + most - 1)]);
      tf.backend().disposeData(before.dataId);
    }
    return total;
  };
}

/** What reductions of no number give, by kernel. */
const ofNothing: Readonly<Record<string, number>> = {
  Sum: 0,
  Mean: NaN,
  All: 1,
  Any: 0,
};

/**
 * A reduction that also takes a tensor without numbers, as the boxes of an image without objects.
 * tfjs would divide by their number, and fail with "Dispatch size exceeds WebGPU limits".
 */
function reductionWith(original: Run, value: number): Run {
  return (call) => {
    const { x } = call.inputs as { readonly x: tf.TensorInfo };
    if (tf.util.sizeFromShape(x.shape) > 0) return original(call);
    const { axis, keepDims } = call.attrs as unknown as {
      readonly axis: number | number[];
      readonly keepDims: boolean;
    };
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const shape = keepDims
      ? x.shape.map((size, i) => axes.includes(i) ? 1 : size)
      : x.shape.filter((_, i) => !axes.includes(i));
    const numbers = tf.fill(shape, value, Number.isNaN(value) ? "float32" : x.dtype as "float32");
    return numbers as unknown as tf.TensorInfo;
  };
}

/**
 * A product of batches of matrices pairs them as TensorFlow does where an axis is 1 in one of the
 * factors: `[R, 1, …]` by `[R, S, …]`. tfjs repeats the shorter factor as a whole, which pairs
 * others.
 */
function pairingBatches(original: Run): Run {
  return ({ inputs, ...rest }) => {
    const { a, b } = inputs as { readonly a: tf.TensorInfo; readonly b: tf.TensorInfo };
    const [own, other] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(own, other);
    const [left, right] = [repeated(a, batch), repeated(b, batch)];
    const product = original({ inputs: { a: left ?? a, b: right ?? b }, ...rest });
    tf.dispose([left, right].filter((it) => it !== undefined));
    return product;
  };
}

/**
 * A product of long rows is summed up by one workgroup for each tile of the result. tfjs would
 * divide a sum of 2,000 products and more among workgroups, which add in no fixed order, and gives
 * wrong numbers if the second factor is transposed.
 */
function inOnePiece(original: Run): Run {
  return (call) => {
    const { a, b } = call.inputs as { readonly a: tf.TensorInfo; readonly b: tf.TensorInfo };
    const { transposeA } = call.attrs as unknown as { readonly transposeA: boolean };
    const length = a.shape.at(transposeA ? -2 : -1)!;
    const tiles = tf.util.sizeFromShape(a.shape) / length * tf.util.sizeFromShape(b.shape) /
      length / 32 ** 2;
    // tfjs divides sums only where there are at most 16 tiles of 32 × 32.
    if (length < 2000 || tiles > 16) return original(call);
    const flags = tf.env();
    flags.set(matMulProgram, smallTiles);
    try {
      return original(call);
    } finally {
      flags.set(matMulProgram, -1); // tfjs chooses
    }
  };
}

const matMulProgram = "WEBGPU_MATMUL_PROGRAM_TYPE";
const smallTiles = 2; // MatMulProgramType.MatMulSmallOutputSizeProgram

/** A tensor with its matrices repeated to a batch, where tfjs would pair others; else undefined. */
function repeated(x: tf.TensorInfo, batch: readonly number[]): tf.Tensor | undefined {
  const missing = batch.length - (x.shape.length - 2);
  const reps = [...batch.slice(missing).map((size, i) => size / x.shape[i]!), 1, 1];
  // To repeat the whole along leading axes is what tfjs does.
  const first = x.shape.findIndex((size) => size > 1);
  if (reps.slice(first < 0 ? reps.length : first).every((count) => count === 1)) return undefined;
  return tf.engine().runKernel("Tile", { x: x as tf.Tensor }, { reps }) as tf.Tensor;
}

/** Sums by segment, as the gradient of `tf.gather`, also of a tensor without numbers. */
function sumOfNoSegment(original: Run): Run {
  return (call) => {
    const { x } = call.inputs as { readonly x: tf.TensorInfo };
    if (tf.util.sizeFromShape(x.shape) > 0) return original(call);
    const { numSegments } = call.attrs as unknown as { readonly numSegments: number };
    const zeros = tf.zeros([numSegments, ...x.shape.slice(1)], x.dtype as "float32");
    return zeros as unknown as tf.TensorInfo;
  };
}

/**
 * The gradient of a pooling without padding goes to the first of equal values, as on the CPU. tfjs
 * gives it to the last, which in a map that is turned by 180° is the first.
 */
function toTheFirst(original: Run): Run {
  return (call) => {
    const { dy, input } = call.inputs as { readonly dy: tf.Tensor4D; readonly input: tf.Tensor4D };
    const { filterSize, strides, pad } = call.attrs as unknown as {
      readonly filterSize: number | readonly [number, number];
      readonly strides: number | readonly [number, number];
      readonly pad: unknown;
    };
    if (pad !== "valid" && pad !== 0) return original(call);
    const [B, H, W, C] = input.shape;
    // The rows and columns that windows cover: the others have no gradient, and would shift windows.
    const [rows, columns] = [0, 1].map((axis) => {
      const [size, stride] = [filterSize, strides].map((it) =>
        typeof it === "number" ? it : it[axis]!
      );
      return (dy.shape[1 + axis]! - 1) * stride! + size!;
    });
    return tf.tidy(() => {
      const turned = (x: tf.Tensor4D) => tf.reverse4d(x, [1, 2]);
      const covered = tf.slice4d(input, [0, 0, 0, 0], [B, rows!, columns!, C]);
      const inputs = { ...call.inputs, dy: turned(dy), input: turned(covered) };
      const grad = original({ ...call, inputs }) as tf.TensorInfo;
      const back = turned(tf.engine().makeTensorFromTensorInfo(grad) as tf.Tensor4D);
      return tf.pad4d(back, [[0, 0], [0, H - rows!], [0, W - columns!], [0, 0]]);
    }) as tf.TensorInfo;
  };
}
