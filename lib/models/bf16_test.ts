/**
 * Layers and networks whose products are rounded to bf16, beside the same in fp32. Skipped, and
 * counted so, on a CPU that does not multiply bf16.
 */
import * as tf from "lib/tf.ts";
import { createModel, resNetConfig, swinConfig, vitConfig } from "lib/models/mod.ts";
import { nativeStatus } from "lib/native/mod.ts";
import { conv2d } from "lib/nn/conv.ts";
import { linear } from "lib/nn/linear.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const ignore = !nativeStatus().bf16;

function random(shape: number[], seed: number, mean = 0, std = 1.5): tf.Tensor {
  return tf.randomNormal(shape, mean, std, "float32", seed);
}

type Op = (...args: tf.Tensor[]) => tf.Tensor;

/** What a function gives, and its gradients by all arguments for a random cotangent. */
function valueAndGrads(f: Op, args: tf.Tensor[]): tf.Tensor[] {
  return tf.tidy(() => {
    const value = f(...args);
    return [value, ...tf.grads(f)(args, short(value.shape, 99))];
  });
}

/** A tensor of numbers that bf16 holds, so that their products are exact. */
function short(shape: number[], seed: number): tf.Tensor {
  return random(shape, seed).clipByValue(-4, 4).mul(16).round().div(16);
}

Deno.test({
  name: "native linear() in bf16 equals fp32 on numbers that bf16 holds, and rounds others",
  ignore,
  fn() {
    tf.tidy(() => {
      const layer = (precision?: "bf16") => (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
        linear(x, { weight, bias } as unknown as Parameters<typeof linear>[1], precision);
      const run = (args: tf.Tensor[], precision?: "bf16") =>
        valueAndGrads(layer(precision) as Op, args);
      // few rows; a depth that fills no tile; more columns than are worked on together
      for (const [rows, from, to] of [[3, 40, 50], [70, 33, 17], [301, 96, 384], [130, 520, 300]]) {
        const args = [short([rows!, from!], 1), short([from!, to!], 2), short([to!], 3)];
        const [rounded, again] = [run(args, "bf16"), run(args, "bf16")];
        run(args).forEach((exact, i) => {
          assertClose(rounded[i]!, exact, 1e-5);
          assertEquals(rounded[i]!.dataSync(), again[i]!.dataSync(), "two runs differ");
        });
      }
      const args = [random([200, 64], 1), random([64, 96], 2), random([96], 3)];
      const gap = layer("bf16")(...args as [tf.Tensor, tf.Tensor, tf.Tensor])
        .sub(layer()(...args as [tf.Tensor, tf.Tensor, tf.Tensor])).abs().max().dataSync()[0]!;
      assertTrue(gap > 1e-4 && gap < 0.5, `${gap} from fp32`);
    });
  },
});

for (
  const config of [
    { ...vitConfig("tiny"), depth: 2, dropPathRate: 0 },
    { ...swinConfig("tiny"), depths: [1, 2], numHeads: [3, 6], dropPathRate: 0 },
  ]
) {
  Deno.test({
    name: `a ${config.arch} in bf16 is within 3 % of fp32, its gradients too`,
    ignore,
    fn() {
      using model = createModel(config, createRng(0));
      tf.tidy(() => {
        const x = random([2, 96, 96, 3], 1) as tf.Tensor4D;
        const dy = random([2, model.featureDim], 2);
        const run = (precision?: "bf16") => {
          const features = (x: tf.Tensor) =>
            model.forward(x as tf.Tensor4D, { training: true, precision }).features;
          return [features(x), tf.grad(features)(x, dy)];
        };
        const [rounded, again, exact] = [run("bf16"), run("bf16"), run()];
        rounded.forEach((tensor, i) => {
          const distance = tensor.sub(exact[i]!).norm().div(exact[i]!.norm()).dataSync()[0]!;
          assertTrue(distance > 1e-5 && distance < 0.03, `${distance} from fp32`);
          assertEquals(tensor.dataSync(), again[i]!.dataSync(), "two runs differ");
        });
      });
    },
  });
}

for (const stride of [1, 2]) {
  Deno.test({
    name: `native conv2d() in bf16 equals fp32 on numbers that bf16 holds, stride ${stride}`,
    ignore,
    fn() {
      tf.tidy(() => {
        for (const [side, from, to] of [[3, 32, 40], [1, 17, 64], [7, 3, 20]] as const) {
          const args = [
            short([2, 9, 12, from], 1),
            short([side, side, from, to], 2),
            short([to], 3),
          ];
          for (const relu of [false, true]) {
            const run = (precision?: "bf16") => {
              const layer = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
                conv2d(x as tf.Tensor4D, {
                  weight: weight as tf.Tensor4D,
                  bias: bias as tf.Tensor1D,
                }, { stride, relu, precision });
              return valueAndGrads(layer as Op, args);
            };
            const rounded = run("bf16");
            run().forEach((exact, i) => {
              assertEquals(rounded[i]!.shape, exact.shape);
              assertClose(rounded[i]!, exact, i === 0 ? 1e-5 : 1e-4);
            });
          }
        }
      });
    },
  });
}

Deno.test({
  name: "the gradients of conv2d() in bf16 are within 1 % of fp32, on any numbers",
  ignore,
  fn() {
    tf.tidy(() => {
      for (const [side, padding] of [[3, 1], [1, 0], [3, 0], [1, 2]] as const) {
        const args = [random([2, 9, 12, 17], 1), random([side, side, 17, 20], 2)];
        const run = (precision?: "bf16") =>
          valueAndGrads(
            ((x: tf.Tensor4D, weight: tf.Tensor4D) =>
              conv2d(x, { weight }, { padding, precision })) as Op,
            args,
          );
        const exact = run();
        run("bf16").forEach((rounded, i) => {
          const distance = rounded.sub(exact[i]!).norm().div(exact[i]!.norm()).dataSync()[0]!;
          assertTrue(distance < 0.01, `${distance} from fp32, side ${side}, padding ${padding}`);
        });
      }
    });
  },
});

Deno.test({
  name: "a ResNet in evaluation in bf16, its norms folded into kernels, is within 3 % of fp32",
  ignore,
  fn() {
    using model = createModel({ ...resNetConfig(50), depths: [2, 1, 1, 1] }, createRng(0));
    tf.tidy(() => {
      const x = random([2, 64, 64, 3], 1) as tf.Tensor4D;
      model.forward(x, { training: true }); // moves the running statistics
      const [rounded, exact] = (["bf16", undefined] as const).map((precision) =>
        model.forward(x, { training: false, precision }).features
      );
      const distance = rounded!.sub(exact!).norm().div(exact!.norm()).dataSync()[0]!;
      assertTrue(distance > 1e-5 && distance < 0.03, `${distance} from fp32`);
    });
  },
});
