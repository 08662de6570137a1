/**
 * A backend that lacks one of the native kernels computes the same, in plain operations where it
 * must.
 */
import * as tf from "lib/tf.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { roiAlign } from "lib/detect/boxes/roi_align.ts";
import {
  bcSslConfig,
  createModel,
  type ModelConfig,
  repLKNetConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { signatures } from "lib/native/signatures.ts";
import { conv2d } from "lib/nn/conv.ts";
import { families } from "lib/nn/fused.ts";
import { batchNorm, createBatchNorm } from "lib/nn/norms.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { createDinoState, dinoStep, disposeDinoState } from "lib/testing/dino.ts";
import { countOps } from "lib/tf_op.ts";
import { bf16Packing } from "lib/train/bf16.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";

const bcSsl = { ...bcSslConfig("tiny"), depths: [1, 1], dims: [8, 12], layerScaleInit: 0.5 };
const convNeXt = { ...bcSsl, batchNorm: false, dwconvBias: true };
const vit = { ...vitConfig("nano"), depth: 1, embedDim: 12, numHeads: 2 };
const repLKNet = {
  ...repLKNetConfig("nano"),
  depths: [1, 1],
  dims: [8, 12],
  kernelSizes: [7, 5],
  smallKernelSize: 3,
};

/**
 * The loss of a network in training, the gradient of each weight, and the features in evaluation.
 */
function network(config: ModelConfig): number[] {
  return tf.tidy(() => {
    const model = createModel(config, createRng(1), { numClasses: 3 });
    const x = tf.randomNormal<tf.Rank.R4>([3, 32, 32, 3], 0, 1, "float32", 2);
    const loss = () => model.forward(x, { training: true }).logits!.square().mean<tf.Scalar>();
    const weights = [...parameters(model.params).values()];
    const { value, grads } = tf.variableGrads(loss, weights);
    const { features } = model.forward(x, { training: false });
    const all = [value, ...weights.map(({ name }) => grads[name]!), features];
    return all.flatMap((tensor) => [...tensor.dataSync()]);
  });
}

/** The losses of two steps of DINO, and what the student's weights are after them. */
function dino(): number[] {
  const head = {
    hiddenDim: 16,
    bottleneckDim: 8,
    outDim: 32,
    batchNorm: false,
    normLastLayer: false,
  };
  const values = {
    ...{ lr: 1e-3, weightDecay: 0.04, teacherMomentum: 0.9, centerMomentum: 0.9, clipNorm: 0.3 },
    ...{ teacherTemp: 0.04, studentTemp: 0.1, freezeLastLayer: false },
  };
  const state = createDinoState(bcSsl, head, createRng(0));
  try {
    return tf.tidy(() => {
      const views = {
        global: tf.randomNormal<tf.Rank.R4>([4, 32, 32, 3], 0, 1, "float32", 1),
        local: tf.randomNormal<tf.Rank.R4>([4, 16, 16, 3], 0, 1, "float32", 2),
      };
      return [1, 2].map((step) => dinoStep(state, views, values, createRng(step)).loss);
    });
  } finally {
    disposeDinoState(state);
  }
}

/** The cells of two regions, and the gradient of their sum of squares. */
function regions(): number[] {
  return tf.tidy(() => {
    const features = tf.randomNormal<tf.Rank.R4>([1, 8, 8, 3], 0, 1, "float32", 3);
    const boxes = [Float32Array.of(1, 2, 20, 25, 8, 0, 30, 12)];
    const options = { size: 2, scale: 1 / 4, samplingRatio: 2, aligned: true };
    const cut = (x: tf.Tensor) => roiAlign(x as tf.Tensor4D, boxes, options);
    const grad = tf.grad((x) => cut(x).square().sum())(features);
    return [cut(features), grad].flatMap((tensor) => [...tensor.dataSync()]);
  });
}

/** A weight after two steps of SGD and of LARS. */
function updates(): number[] {
  return tf.tidy(() =>
    (["sgd", "lars"] as const).flatMap((name) => {
      const weight = tf.variable(tf.randomNormal([3, 4], 0, 1, "float32", 4));
      const state: OptimizerState = new Map();
      for (const step of [5, 6]) {
        const grads = new Map([["w", tf.randomNormal([3, 4], 0, 1, "float32", step)]]);
        optimizerStep(name, new Map([["w", weight]]), grads, state, { lr: 0.1, weightDecay: 0.1 });
      }
      const values = [...weight.dataSync()];
      disposeOptimizer(state);
      weight.dispose();
      return values;
    })
  );
}

/** A convolution of numbers that bf16 holds, so that rounding changes nothing. */
function convolution(): number[] {
  return tf.tidy(() => {
    const short = (shape: number[], seed: number) =>
      tf.randomNormal<tf.Rank.R4>(shape as tf.ShapeMap[tf.Rank.R4], 0, 1, "float32", seed)
        .clipByValue(-2, 2).mul<tf.Tensor4D>(16).round().div<tf.Tensor4D>(16);
    const y = conv2d(short([2, 6, 6, 4], 7), { weight: short([3, 3, 4, 5], 8) }, {
      precision: "bf16",
    });
    return [...y.dataSync()];
  });
}

/** What one of two processes computes; the other has half of what this one sends. */
function shared(): number[] {
  const world: World = {
    ...{ ...alone, size: 2 },
    gather: (x) => tf.concat([x, (x as tf.Tensor).div(2)]) as typeof x,
  };
  return tf.tidy(() => {
    const norm = createBatchNorm(5);
    const run = (x: tf.Tensor) => batchNorm(x, norm, { training: true, world });
    const x = tf.randomNormal([4, 3, 5], 1, 2, "float32", 6);
    const { pack, mean, unpack } = bf16Packing();
    const sent = unpack([mean(pack([x, x.square()], 2))]);
    const all = [run(x), tf.grad((x) => run(x).pow(3).sum())(x), norm.running_var, sent];
    return all.flatMap((tensor) => [...tensor.dataSync()]);
  });
}

const everything = () => [
  ...[bcSsl, convNeXt, vit, repLKNet].map(network),
  dino(),
  regions(),
  updates(),
  convolution(),
  shared(),
];

Deno.test({
  name:
    "without any one of the native kernels, networks, DINO, RoIAlign and shared batches give the same",
  ignore: !nativeStatus().active,
  fn() {
    const names = Object.keys(signatures);
    const plain = withPlainOps(everything);
    const called = new Set<string>();
    for (const missing of ["none", ...names]) {
      const { byName } = countOps(() =>
        withPlainOps(
          () => everything().forEach((values, i) => assertClose(values, plain[i]!, 1e-3)),
          [missing],
        )
      );
      byName.keys().forEach((op) => called.add(op));
      assertEquals(byName.has(`Bcssl${missing}`), false);
    }
    assertEquals(names.filter((name) => !called.has(`Bcssl${name}`)), [], "never called");
  },
});

Deno.test("families of kernels are made of operations that exist", () => {
  const members = Object.values(families).flat();
  assertEquals(members.filter((name) => !(name in signatures)), []);
});
