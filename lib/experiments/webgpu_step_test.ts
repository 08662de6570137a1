/**
 * DINO's loss, the optimisers and whole steps on WebGPU with our kernels, against the CPU's plain
 * operations. Skipped, and counted so, without an adapter.
 */
import * as tf from "lib/tf.ts";
import { convNeXtBlock, createConvNeXtBlock } from "lib/models/convnext/convnext.ts";
import { bcSslConfig } from "lib/models/mod.ts";
import { withPlainOps } from "lib/native/mod.ts";
import { signatures } from "lib/native/signatures.ts";
import { fused } from "lib/nn/fused.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { type Prototypes } from "lib/ssl/distillation/head.ts";
import { prototypeLoss, teach } from "lib/ssl/distillation/prototypes.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { issueDinoStep, newDino } from "lib/testing/gpu/dino_step.ts";
import {
  onWebGpu,
  randomValues as random,
  tensorOf,
  valuesOf,
  withoutKernels,
  withoutWebGpu,
} from "lib/testing/gpu/webgpu.ts";
import { disposeTraining } from "lib/testing/methods.ts";
import { adamWStep } from "lib/train/adamw.ts";
import { emaUpdate } from "lib/train/ema.ts";
import type { OptimizerState } from "lib/train/optimizer_state.ts";
import { withDeferredReads } from "lib/train/reading.ts";
import { StepGuard } from "lib/train/step_guard.ts";
import { webGpuKernels } from "lib/webgpu/mod.ts";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `WebGPU: ${name}`, ignore: withoutWebGpu, fn });
}

/** Reads tensors by their names, and leaves them. */
async function read(tensors: ReadonlyMap<string, tf.Tensor>): Promise<Map<string, Float32Array>> {
  const values = [...tensors].map(async ([name, x]) =>
    [name, (await x.data<"float32">()).slice()] as const
  );
  return new Map(await Promise.all(values));
}

const [D, K, T, V, B] = [24, 1003, 2, 5, 3];

/** The teacher's distributions, their entropy and the next center. */
function taught(): tf.Tensor[] {
  return tf.tidy(() => {
    const [z, v, g, center] = inputs();
    const prototypes = { weight_v: v, weight_g: g } as unknown as Prototypes;
    const options = { views: T, teacherTemp: 0.04, centerMomentum: 0.9 };
    const seen = z!.slice([0, 0], [T * B, D]) as tf.Tensor2D;
    const targets = teach(seen, prototypes, center as tf.Tensor1D, options);
    return [targets.probabilities, targets.entropy, targets.center];
  });
}

const numbers = [
  random([V * B, D], 1, 0, 0.2),
  random([D, K], 2),
  random([1, K], 3, 1, 0.1),
  random([K], 4, 0, 0.1),
];
/** Distributions, for a teacher. */
const targets = tf.softmax(tensorOf(random([T, B, K], 5, 0, 3)));
const q = { shape: targets.shape, values: targets.dataSync<"float32">() };
const inputs = () => numbers.map(tensorOf);

/** The loss, and its gradients by bottlenecks and prototypes. */
function loss(frozen: boolean): tf.Tensor[] {
  return tf.tidy(() => {
    const [z, v, g] = inputs() as [tf.Tensor, tf.Tensor, tf.Tensor];
    const teacher = tensorOf(q) as tf.Tensor3D;
    const options = { studentTemp: 0.1, frozen };
    const of = (z: tf.Tensor, weight_v: tf.Tensor, weight_g: tf.Tensor) =>
      prototypeLoss(
        z as tf.Tensor2D,
        { weight_v, weight_g } as unknown as Prototypes,
        teacher,
        options,
      );
    const f = frozen ? ((z: tf.Tensor) => of(z, v, g)) : of;
    const by = frozen ? [z] : [z, v, g];
    return [of(z, v, g), ...tf.grads(f as typeof of)(by)];
  });
}

for (
  const [name, run] of Object.entries({
    taught,
    loss: () => loss(false),
    frozen: () => loss(true),
  })
) {
  test(`DINO over 1003 prototypes equals the plain one (${name})`, async () => {
    const expected = await valuesOf(withPlainOps(run));
    const actual = await onWebGpu(() => valuesOf(run()));
    actual.forEach(({ shape, values }, i) => {
      assertEquals(shape, expected[i]!.shape);
      assertClose(values, expected[i]!.values, 2e-5);
    });
  });
}

/** One of each kind: a single number, a bias, a kernel, more than a block, and a large one. */
const shapes = { a: [1], b: [3, 17], "c.bias": [33], d: [40_001], e: [7, 7, 5, 1], f: [520, 513] };

/** Random variables; a large one repeats its first numbers. */
function variables(seed: number): Map<string, tf.Variable> {
  return new Map(
    Object.entries(shapes).map(([name, shape], i) => {
      const { values } = random([4099], seed + i);
      const size = shape.reduce((product, side) => product * side, 1);
      const repeated = Float32Array.from({ length: size }, (_, k) => values[k % values.length]!);
      return [name, tf.variable(tensorOf({ shape, values: repeated }))];
    }),
  );
}

/** The moments of all weights, by their names. */
function moments(state: OptimizerState): [string, tf.Tensor][] {
  return [...state].flatMap(([name, { tensors }]) =>
    Object.entries(tensors).map((
      [role, moment],
    ): [string, tf.Tensor] => [`${name} ${role}`, moment])
  );
}

/** Three updates, the second without a gradient for `b`, and what is read after each. */
async function train(): Promise<Map<string, Float32Array>[]> {
  const [weights, teacher] = [variables(1), variables(50)];
  const state: OptimizerState = new Map();
  const history: Map<string, Float32Array>[] = [];
  for (const step of [1, 2, 3]) {
    const grads: Map<string, tf.Tensor> = variables(10 * step);
    if (step === 2) grads.delete("b");
    const scales = new Map([["a", 0.3], ["f", 0.7]]);
    adamWStep(weights, grads, state, { lr: 0.1 * step, weightDecay: 0.2, scales });
    emaUpdate(teacher, weights, 0.9);
    const averages = [...teacher].map(([name, weight]) => [`teacher ${name}`, weight] as const);
    history.push(
      await read(new Map<string, tf.Tensor>([...weights, ...averages, ...moments(state)])),
    );
    tf.dispose([...grads.values()]);
  }
  tf.dispose([...weights.values(), ...teacher.values()]);
  return history;
}

test("AdamW and the moving average equal the plain ones, step by step", async () => {
  const [expected, actual] = [await train(), await onWebGpu(train)];
  for (const [step, values] of actual.entries()) {
    assertEquals([...values.keys()], [...expected[step]!.keys()]);
    for (const [name, value] of values) assertClose(value, expected[step]!.get(name)!);
  }
});

test("squared norms of all tensors equal the plain ones", async () => {
  const list = () => [...variables(7).values()];
  const plain = await valuesOf(list().map((x) => x.square().sum()));
  const [squares] = await onWebGpu(() => valuesOf(fused("SquaredNorms", list())!));
  assertClose(squares!.values, plain.map(({ values }) => values[0]!));
});

const model = { ...bcSslConfig("tiny"), depths: [1, 1], dims: [8, 12], layerScaleInit: 0.5 };
const head = {
  hiddenDim: 16,
  bottleneckDim: 8,
  outDim: 32,
  batchNorm: false,
  normLastLayer: false,
};
const views = [random([2 * 2, 16, 16, 3], 9), random([2, 8, 8, 3], 10)];

/** All tensors after some steps of DINO. */
function steps(count: number, config = model): Promise<Map<string, Float32Array>> {
  return withDeferredReads(async () => {
    const training = newDino(config, head);
    using guard = new StepGuard();
    const [global, local] = views.map(tensorOf) as [tf.Tensor4D, tf.Tensor4D];
    for (let step = 0; step < count; step++) issueDinoStep(training, { global, local }, guard);
    const values = await read(new Map([...training.method.state, ...moments(training.optimizer)]));
    tf.dispose([global, local]);
    disposeTraining(training);
    return values;
  });
}

/** AdamW divides by the root of small numbers, and so enlarges the last digits of a gradient. */
function assertSame(actual: Map<string, Float32Array>, expected: Map<string, Float32Array>): void {
  assertEquals([...actual.keys()], [...expected.keys()]);
  for (const [name, values] of actual) assertClose(values, expected.get(name)!, 1e-3);
}

test("three steps of DINO equal the CPU's", async () => {
  assertSame(await onWebGpu(() => steps(3)), await steps(3));
});

Deno.test("every kernel of WebGPU has the name of a native operation", () => {
  const names = webGpuKernels.map(({ kernelName }) => kernelName.slice("bcssl/".length));
  assertEquals(names.filter((name) => !(name in signatures)), []);
});

test("without any one of our kernels, a step of DINO is the same", async () => {
  const block = { ...model, depths: [1], dims: [8] };
  const expected = await steps(1, block);
  await onWebGpu(async () => {
    for (const { kernelName } of webGpuKernels) {
      const name = kernelName.slice("bcssl/".length);
      assertSame(await withoutKernels(() => steps(1, block), [name]), expected);
    }
  });
});

test("200 times forward and backward through a block leaves no memory behind", async () => {
  const config = { batchNorm: true, dwconvBias: false, layerScaleInit: 1 };
  await onWebGpu(async () => {
    const params = createConvNeXtBlock(4, 3, config, createRng(0));
    const x = tensorOf(random([1, 4, 4, 4], 9)) as tf.Tensor4D;
    const dy = tensorOf(random([1, 4, 4, 4], 10)) as tf.Tensor4D;
    const inputs = [x, ...parameters(params).values()];
    const options = { training: true, dropPathRate: 0 };
    const through = tf.grads(() => convNeXtBlock(x, params, options));
    const after = async (steps: number) => {
      for (let step = 1; step <= steps; step++) {
        const grads = through(inputs, dy);
        if (step === steps) await grads[0]!.data();
        tf.dispose(grads);
      }
      const { numTensors, numBytesInGPU, numBytesAllocatedInGPU } = tf.memory() as WebGpuMemory;
      return { numTensors, numBytesInGPU, numBytesAllocatedInGPU };
    };
    const before = await after(20);
    assertEquals(await after(200), before);
    assertTrue(before.numBytesInGPU > 0, "no memory is counted");
  });
});

/** What tfjs counts on WebGPU: bytes in use, and with the buffers that are kept for later ones. */
interface WebGpuMemory extends tf.MemoryInfo {
  readonly numBytesInGPU: number;
  readonly numBytesAllocatedInGPU: number;
}
