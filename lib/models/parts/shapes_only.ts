/**
 * A backend of tfjs that computes shapes and no values, so that the work of a network of hundreds of
 * millions of weights is counted without doing it, and without the memory.
 */
import * as tf from "lib/tf.ts";

const name = "shapes";

/** Holds no values: its tensors cannot be read. It counts how many tensors share the same data. */
class ShapesBackend extends tf.KernelBackend {
  readonly #sharing = new WeakMap<object, number>();

  override write(): object {
    const id = {};
    this.#sharing.set(id, 1);
    return id;
  }

  override refCount(id: object): number {
    return this.#sharing.get(id) ?? 0;
  }

  override incRef(id: object): void {
    this.#sharing.set(id, this.refCount(id) + 1);
  }

  override disposeData(id: object): boolean {
    const left = this.refCount(id) - 1;
    this.#sharing.set(id, left);
    return left <= 0;
  }

  /** tfjs asks at each operation, and looks at the answer in its own tests only. */
  override numDataIds(): number {
    return 0;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override readSync(): never {
    throw new Error("Cannot read a tensor under withShapesOnly(): it has a shape and no values");
  }
}

type Shape = readonly number[];

/** Shape and type of one output. */
interface Output {
  readonly shape: Shape;
  readonly dtype?: tf.DataType;
}

// deno-lint-ignore no-explicit-any -- tfjs types the attributes of each kernel apart
type ShapeOf = (inputs: readonly tf.TensorInfo[], attrs: any) => Output | readonly Output[];

const same: ShapeOf = ([x]) => x!;
const broadcast: ShapeOf = ([a, b]) => ({
  shape: tf.backend_util.assertAndGetBroadcastShape([...a!.shape], [...b!.shape]),
  dtype: a!.dtype,
});
const compared: ShapeOf = (inputs, attrs) => ({
  shape: (broadcast(inputs, attrs) as Output).shape,
  dtype: "bool",
});

const reduced: ShapeOf = ([x], { axis, keepDims = false }) => {
  const axes = tf.util.parseAxisParam(axis, x!.shape);
  const [shape] = tf.backend_util.computeOutAndReduceShapes(x!.shape, axes);
  return { shape: keepDims ? tf.backend_util.expandShapeToKeepDim(shape, axes) : shape };
};

const pooled: ShapeOf = ([x], { filterSize, strides, pad, dimRoundingMode }) => ({
  shape: tf.backend_util
    .computePool2DInfo(fourSides(x!), filterSize, strides, 1, pad, dimRoundingMode).outShape,
});

function convolved(depthwise: boolean): ShapeOf {
  return ([x, filter], { strides, pad, dilations, dimRoundingMode }) => ({
    shape: tf.backend_util.computeConv2DInfo(
      fourSides(x!),
      fourSides(filter!),
      ...[strides, dilations, pad, dimRoundingMode, depthwise] as const,
    ).outShape,
  });
}

function fourSides({ shape }: tf.TensorInfo): [number, number, number, number] {
  return [...shape] as [number, number, number, number];
}

/** A shape with other values from place `at` on, for `count` axes. */
function replaced({ shape }: tf.TensorInfo, at: number, count: number, by: Shape): Shape {
  return shape.toSpliced(at, count, ...by);
}

/** What each kernel returns, for the kernels of our networks' forward passes. */
const kernels: Readonly<Record<string, ShapeOf>> = {
  ...Object.fromEntries(
    ["Erf", "Identity", "Neg", "Relu", "Rsqrt", "Sigmoid", "Softmax", "Sqrt", "Square", "Tanh"]
      .map((kernel) => [kernel, same]),
  ),
  ...Object.fromEntries(
    ["Add", "Maximum", "Multiply", "RealDiv", "SquaredDifference", "Sub"]
      .map((kernel) => [kernel, broadcast]),
  ),
  ...Object.fromEntries(
    ["GreaterEqual", "LessEqual", "LogicalAnd"].map((kernel) => [kernel, compared]),
  ),
  ...Object.fromEntries(["Max", "Mean", "Sum"].map((kernel) => [kernel, reduced])),
  AvgPool: pooled,
  MaxPool: pooled,
  Conv2D: convolved(false),
  DepthwiseConv2dNative: convolved(true),
  ArgMin: (inputs, { axis }) => ({
    shape: (reduced(inputs, { axis }) as Output).shape,
    dtype: "int32",
  }),
  BatchMatMul: ([a, b], { transposeA, transposeB }) => {
    const outer = (x: tf.TensorInfo) => x.shape.slice(0, -2);
    const rows = a!.shape.at(transposeA ? -1 : -2)!;
    const columns = b!.shape.at(transposeB ? -2 : -1)!;
    const batch = tf.backend_util.assertAndGetBroadcastShape(outer(a!), outer(b!));
    return { shape: [...batch, rows, columns] };
  },
  Cast: ([x], { dtype }) => ({ shape: x!.shape, dtype }),
  Concat: (inputs, { axis }) => ({
    shape: tf.backend_util.computeOutShape(inputs.map(({ shape }) => [...shape]), axis),
    dtype: inputs[0]!.dtype,
  }),
  Fill: (_, { shape, dtype }) => ({ shape, dtype }),
  GatherV2: ([x, indices], { axis }) => ({
    shape: replaced(x!, axis, 1, indices!.shape),
    dtype: x!.dtype,
  }),
  Pack: (inputs, { axis }) => ({
    shape: replaced(inputs[0]!, axis, 0, [inputs.length]),
    dtype: inputs[0]!.dtype,
  }),
  PadV2: ([x], { paddings }) => ({
    shape: x!.shape.map((side, i) => side + paddings[i][0] + paddings[i][1]),
  }),
  Range: (_, { start, stop, step, dtype }) => ({
    shape: [Math.ceil((stop - start) / step)],
    dtype,
  }),
  Reshape: ([x], { shape }) => ({
    shape: tf.util.inferFromImplicitShape(shape, tf.util.sizeFromShape(x!.shape)),
    dtype: x!.dtype,
  }),
  Select: ([, t]) => t!,
  Slice: ([x], { begin, size }) => ({
    shape: tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size)[1]!,
    dtype: x!.dtype,
  }),
  SplitV: ([x], { numOrSizeSplits, axis }) => {
    const side = x!.shape[axis]!;
    const sides: readonly number[] = typeof numOrSizeSplits === "number"
      ? Array(numOrSizeSplits).fill(side / numOrSizeSplits)
      : numOrSizeSplits;
    return sides.map((side) => ({ shape: replaced(x!, axis, 1, [side]), dtype: x!.dtype }));
  },
  Tile: ([x], { reps }) => ({
    shape: x!.shape.map((side, i) => side * reps[i]),
    dtype: x!.dtype,
  }),
  Transpose: ([x], { perm }) => ({
    shape: perm.map((axis: number) => x!.shape[axis]),
    dtype: x!.dtype,
  }),
  Unpack: ([x], { axis }) =>
    Array.from({ length: x!.shape[axis]! }, () => ({
      shape: replaced(x!, axis, 1, []),
      dtype: x!.dtype,
    })),
};

function register(): void {
  tf.registerBackend(name, () => new ShapesBackend(), 0);
  for (const [kernelName, shapeOf] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: name,
      kernelFunc: ({ inputs, backend, attrs }) => {
        const made = (output: Output): tf.TensorInfo => ({
          dataId: (backend as ShapesBackend).write(),
          shape: [...output.shape],
          dtype: output.dtype ?? "float32",
        });
        const given = Object.values(inputs as tf.NamedTensorInfoMap) as tf.TensorInfo[];
        const result = shapeOf(given, attrs);
        return Array.isArray(result) ? result.map(made) : made(result as Output);
      },
    });
  }
}

/**
 * Calls `body` with a backend that computes only shapes. Tensors made in it have no values; tensors
 * from outside may be used for their shapes. Layers run their plain operations.
 *
 * @throws {Error} If a value is read, or an operation is used that no network here uses.
 *
 * @example
 * ```ts
 * import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
 * import * as tf from "lib/tf.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const shape = withShapesOnly(() => tf.tidy(() => tf.fill([1e6, 1e6], 1).sum(0).shape));
 * assertEquals(shape, [1e6]);
 * ```
 */
export function withShapesOnly<T>(body: () => T): T {
  if (tf.findBackendFactory(name) === null) register();
  const before = tf.getBackend();
  void tf.setBackend(name); // takes effect at once: its factory is synchronous
  try {
    return body();
  } finally {
    void tf.setBackend(before);
  }
}
