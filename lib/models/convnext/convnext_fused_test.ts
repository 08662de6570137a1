/** A block as one native step against the same block layer by layer in plain ops. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import {
  convNeXtBlock,
  type ConvNeXtBlockParams,
  createConvNeXtBlock,
} from "lib/models/convnext/convnext.ts";
import type { Precision } from "lib/nn/linear.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

interface Case {
  readonly shape: [number, number, number, number]; // [B, H, W, C]
  readonly kernelSize: number;
  readonly batchNorm: boolean;
  readonly training: boolean;
  /** 0 builds no layer scale. */
  readonly layerScaleInit: number;
  readonly dropPathRate: number;
}

function cases(): Case[] {
  const shapes: [Case["shape"], number][] = [
    [[1, 1, 1, 1], 3],
    [[2, 3, 5, 3], 7],
    [[3, 6, 4, 17], 9],
    [[4, 8, 8, 24], 7],
    [[1, 9, 7, 40], 15],
    [[5, 14, 14, 96], 3],
    [[3, 5, 7, 136], 3], // few rows beside its weights, and an odd number of them
    [[2, 11, 11, 136], 3], // those in more than one tile
  ];
  return shapes.flatMap(([shape, kernelSize], i) =>
    [true, false].flatMap((batchNorm) =>
      [true, false].map((training) => ({
        shape,
        kernelSize,
        batchNorm,
        training,
        layerScaleInit: i % 3 === 1 ? 0 : 0.7,
        dropPathRate: i % 2 === 0 ? 0 : 0.4,
      }))
    )
  );
}

/** A block whose weights are all drawn, also those that start as constants. */
function drawBlock({ shape, kernelSize, batchNorm, layerScaleInit }: Case): ConvNeXtBlockParams {
  const config = { batchNorm, dwconvBias: !batchNorm, layerScaleInit };
  const block = createConvNeXtBlock(shape[3], kernelSize, config, createRng(1));
  [...namedVariables(block)].forEach(([name, variable], i) => {
    const drawn = tf.randomNormal(variable.shape, 0, 0.5, "float32", 10 + i);
    variable.assign(name.endsWith("running_var") ? drawn.square().add(0.1) : drawn);
  });
  return block;
}

/** The block's result, the gradients of input and weights, and what became of the buffers. */
function results(
  of: Case,
  block: ConvNeXtBlockParams,
  precision?: Precision,
): Readonly<Record<string, tf.Tensor>> {
  return tf.tidy(() => {
    const { shape, training, dropPathRate } = of;
    const x = tf.randomNormal(shape, 0, 1, "float32", 2) as tf.Tensor4D;
    const dy = tf.randomNormal(shape, 0, 1, "float32", 3);
    const run = (x: tf.Tensor) =>
      convNeXtBlock(x as tf.Tensor4D, block, {
        training,
        precision,
        dropPathRate,
        rng: createRng(4),
      });
    const buffers = [...namedVariables(block)].filter(([, { trainable }]) => !trainable);
    const before = buffers.map(([, variable]) => variable.clone());
    const y = run(x);
    const after = buffers.map(([name, variable]) => [name, variable.clone()] as const);
    buffers.forEach(([, variable], i) => variable.assign(before[i]!));
    const weights = [...namedVariables(block)].filter(([, { trainable }]) => trainable);
    const dx = tf.grad(run)(x, dy);
    const loss = () => run(x).mul(dy).sum() as tf.Scalar;
    const { grads } = tf.variableGrads(loss, weights.map(([, variable]) => variable));
    buffers.forEach(([, variable], i) => variable.assign(before[i]!));
    return Object.fromEntries<tf.Tensor>([
      ["y", y],
      ["dx", dx],
      ...weights.map(([name, variable]) => [`d ${name}`, grads[variable.name]!] as const),
      ...after,
    ]);
  });
}

for (const of of cases()) {
  const { shape, kernelSize, batchNorm, training } = of;
  const kind = `${batchNorm ? "BC-SSL" : "ConvNeXt"}, k = ${kernelSize}`;
  Deno.test({
    name: `a fused block equals its layers, ${kind} on [${shape}] in ${
      training ? "training" : "evaluation"
    }`,
    ignore: !nativeStatus().active,
    fn() {
      tf.tidy(() => {
        const block = drawBlock(of);
        const [native, again] = [results(of, block), results(of, block)];
        const plain = withPlainOps(() => results(of, block));
        for (const [name, expected] of Object.entries(plain)) {
          const actual = native[name]!;
          assertEquals(actual.shape, expected.shape, name);
          assertClose(actual, expected, name === "y" ? 1e-5 : 1e-4);
          assertEquals(
            actual.dataSync(),
            again[name]!.dataSync(),
            `${name} differs in two runs`,
          );
        }
      });
    },
  });
}

/**
 * One number of each tensor: its largest distance from the expected one, as a share of the largest
 * expected.
 */
function distances(
  actual: Readonly<Record<string, tf.Tensor>>,
  expected: Readonly<Record<string, tf.Tensor>>,
): Record<string, number> {
  const distance = (a: tf.Tensor, b: tf.Tensor) =>
    a.sub(b).abs().max().div(b.abs().max()).dataSync()[0]!;
  return Object.fromEntries(
    Object.entries(expected).map(([name, tensor]) => [name, distance(actual[name]!, tensor)]),
  );
}

for (const of of cases().filter(({ shape }) => shape[3] > 1)) {
  const { shape, batchNorm, training } = of;
  Deno.test({
    name: `a block in bf16 is within 1 % of fp32, ${
      batchNorm ? "BC-SSL" : "ConvNeXt"
    } on [${shape}] in ${training ? "training" : "evaluation"}`,
    ignore: !nativeStatus().bf16,
    fn() {
      tf.tidy(() => {
        const block = drawBlock(of);
        const [rounded, again] = [results(of, block, "bf16"), results(of, block, "bf16")];
        const all = distances(rounded, results(of, block));
        for (const [name, tensor] of Object.entries(rounded)) {
          const most = tensor.rank > 1 ? 1e-2 : 5e-2; // gradients of vectors are sums that nearly cancel
          assertTrue(all[name]! <= most, `${name} is ${all[name]} from fp32`);
          assertEquals(tensor.dataSync(), again[name]!.dataSync(), `${name} differs in two runs`);
        }
        assertTrue(all["y"]! > 1e-5, "something was rounded");
      });
    },
  });
}

Deno.test("a block in bf16 is one in fp32 where there are no kernels for it", () => {
  withPlainOps(() =>
    tf.tidy(() => {
      const [of] = cases().slice(-1) as [Case];
      const block = drawBlock(of);
      const expected = results(of, block);
      for (const [name, tensor] of Object.entries(results(of, block, "bf16"))) {
        assertEquals(tensor.dataSync(), expected[name]!.dataSync(), name);
      }
    })
  );
});
